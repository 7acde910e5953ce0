using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Raw calls against a simulator, as any client would make them.</summary>
internal sealed class Calls(Uri uri) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = uri, Timeout = TimeSpan.FromSeconds(30) };

    public HttpClient Http => _http;

    public Task<Answered> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<Answered> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answered> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answered> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public async Task<Answered> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        using var response = await _http.SendAsync(request, cancellationToken);
        return new Answered(response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    public void Dispose() => _http.Dispose();
}

internal sealed record Answered(HttpStatusCode Status, string Text)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public long Code => Codes[0];

    public List<long> Codes => [.. Json.AsArray().Select(static entry => (long)entry!["ret_code"]!)];
}
