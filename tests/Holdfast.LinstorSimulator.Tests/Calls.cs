using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.LinstorSimulation.Tests.Schema;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>
/// Raw calls against a simulator, as any client would make them. Every exchange is checked against the OpenAPI file where that is present, unless a fault makes the
/// answer something else than LINSTOR's.
/// </summary>
internal sealed class Calls(Uri uri, bool check = true) : IDisposable
{
    public HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = uri, Timeout = TimeSpan.FromSeconds(30) };

    public Task<Answered> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<Answered> PostAsync(string path, string? body) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answered> PutAsync(string path, string? body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answered> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public async Task<Answered> SendAsync(HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        if (check && OpenApiFile.Instance?.Check(method.Method, path, body, (int)response.StatusCode, text) is { Count: > 0 } problems)
        {
            throw new Xunit.Sdk.XunitException($"{method} {path} is not as the OpenAPI file wants it:\n{string.Join('\n', problems)}\n{text}");
        }

        return new Answered((int)response.StatusCode, text, response.Headers.Location);
    }

    public Task<Answered> SpawnAsync(string name, long sizeKib = 65536, string group = "rg") =>
        PostAsync($"/v1/resource-groups/{group}/spawn", $$"""{"resource_definition_name":"{{name}}","volume_sizes":[{{sizeKib}}]}""");

    public void Dispose() => Http.Dispose();
}

internal sealed record Answered(int Status, string Text, Uri? Location)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public long Code => Codes[0];

    public List<long> Codes => [.. Json.AsArray().Select(static entry => (long)entry!["ret_code"]!)];

    /// <summary>The type and the low bits of every entry, the way a client must look at them: <c>E501</c>, <c>W3000</c>, <c>I10006</c>, <c>S1</c>.</summary>
    public string Short => string.Join(' ', Codes.Select(static code => (((ulong)code >> 62) switch { 3 => 'E', 2 => 'W', 1 => 'I', _ => 'S' }) + (code & 0x7fff).ToString()));
}
