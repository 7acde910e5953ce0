using System.Text.Json;

namespace Holdfast.Cli.CloudStack;

/// <summary>How an API call ended. A closed hierarchy.</summary>
internal abstract record ApiReply
{
    private ApiReply()
    {
    }

    /// <summary>It succeeded.</summary>
    /// <param name="Body">What the envelope holds: <c>{"zone":[...],"count":1}</c>; for a job its result.</param>
    internal sealed record Answered(JsonElement Body) : ApiReply;

    /// <summary>The API said no.</summary>
    /// <param name="Code">CloudStack's error code, which is the HTTP status, or the job's result code.</param>
    /// <param name="Text">The reason in the API's words.</param>
    internal sealed record Refused(int Code, string Text) : ApiReply;

    /// <summary>There was no usable answer; whether the call had an effect is not known.</summary>
    /// <param name="Text">What happened instead.</param>
    internal sealed record NoAnswer(string Text) : ApiReply;
}
