using System.Text;
using System.Text.Json;

namespace Holdfast.Cli.CloudStack;

/// <summary>
/// Calls the CloudStack API with signed requests. Safe for concurrent use. Nothing is repeated by itself: a call without an answer may have had its effect.
/// </summary>
internal sealed class ApiClient
{
    private readonly HttpClient _http;
    private readonly ApiCredentials _credentials;
    private readonly TimeProvider _time;

    /// <summary>Makes a client.</summary>
    /// <param name="http">Carries the requests; its time-out bounds each of them.</param>
    /// <param name="credentials">Where and as whom.</param>
    /// <param name="time">For the signature's expiry and for polling.</param>
    public ApiClient(HttpClient http, ApiCredentials credentials, TimeProvider time)
    {
        _http = http;
        _credentials = credentials;
        _time = time;
    }

    /// <summary>How often to look at a job that is under way.</summary>
    public TimeSpan PollEvery { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Sends one command and gives its direct answer: for an asynchronous command the id of its job.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer.</returns>
    public async Task<ApiReply> SendAsync(string command, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellationToken)
    {
        var all = new Dictionary<string, string>(parameters, StringComparer.Ordinal)
        {
            ["command"] = command,
            ["response"] = "json",
            ["apiKey"] = _credentials.Key,
            ["signatureVersion"] = "3",
            ["expires"] = _time.GetUtcNow().AddMinutes(10).ToString("yyyy-MM-dd'T'HH:mm:ss'+0000'"),
        };
        try
        {
            using var content = new StringContent(RequestSigner.Sign(all, _credentials.Secret), Encoding.UTF8, "application/x-www-form-urlencoded");
            using var response = await _http.PostAsync(_credentials.Endpoint, content, cancellationToken);
            return Read(command, (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (HttpRequestException error)
        {
            return new ApiReply.NoAnswer($"{command}: {error.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ApiReply.NoAnswer($"{command}: no answer within {_http.Timeout.TotalSeconds} s");
        }
    }

    /// <summary>Sends a command and, when it starts a job, waits for the job's end.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="deadline">How long to wait for the job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer, or the job's result.</returns>
    public async Task<ApiReply> RunAsync(
        string command, IReadOnlyDictionary<string, string> parameters, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var reply = await SendAsync(command, parameters, cancellationToken);
        return reply is ApiReply.Answered { Body: { ValueKind: JsonValueKind.Object } body } && body.TryGetProperty("jobid", out var job)
            ? await WaitAsync(command, job.GetString()!, deadline, cancellationToken)
            : reply;
    }

    /// <summary>Waits for a job's end. A server that goes away meanwhile is waited for.</summary>
    /// <param name="command">The command that started it, for texts.</param>
    /// <param name="job">The job.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The job's result.</returns>
    public async Task<ApiReply> WaitAsync(string command, string job, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        var query = new Dictionary<string, string> { ["jobid"] = job };
        while (true)
        {
            var reply = await SendAsync("queryAsyncJobResult", query, cancellationToken);
            if (reply is ApiReply.Answered answered)
            {
                switch (answered.Body.GetProperty("jobstatus").GetInt32())
                {
                    case 1:
                        return new ApiReply.Answered(answered.Body.TryGetProperty("jobresult", out var result) ? result : default);
                    case 2:
                        return Failure(answered.Body);
                }
            }
            else if (reply is ApiReply.Refused)
            {
                return reply;
            }

            if (_time.GetElapsedTime(began) > deadline)
            {
                return new ApiReply.NoAnswer($"{command}: job {job} was not done after {deadline.TotalSeconds:0} s; last: {Describe(reply)}");
            }

            await Task.Delay(PollEvery, _time, cancellationToken);
        }
    }

    private static ApiReply.Refused Failure(JsonElement job)
    {
        var code = job.TryGetProperty("jobresultcode", out var resultCode) ? resultCode.GetInt32() : 530;
        var text = job.TryGetProperty("jobresult", out var result) && result.TryGetProperty("errortext", out var error)
            ? error.GetString()!
            : "the job failed and says nothing";
        return new ApiReply.Refused(code, text);
    }

    private static ApiReply Read(string command, int status, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var envelope = document.RootElement.EnumerateObject().Single().Value.Clone();
            return status is >= 200 and < 300
                ? new ApiReply.Answered(envelope)
                : new ApiReply.Refused(status, envelope.TryGetProperty("errortext", out var text) ? text.GetString()! : body);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return new ApiReply.NoAnswer($"{command}: HTTP {status} with a body that is no CloudStack answer: {body[..Math.Min(body.Length, 200)]}");
        }
    }

    private static string Describe(ApiReply reply) => reply switch
    {
        ApiReply.Answered answered => answered.Body.ToString(),
        ApiReply.Refused refused => $"{refused.Code} {refused.Text}",
        ApiReply.NoAnswer none => none.Text,
        _ => reply.ToString(),
    };
}
