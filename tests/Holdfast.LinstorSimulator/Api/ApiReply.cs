using System.Text;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>One complete answer; faults on the wire decide how much of it is sent.</summary>
internal sealed record ApiReply(int Status, byte[] Body, string ContentType = "application/json")
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The entries, when the body is a list of them.</summary>
    public IReadOnlyList<ApiCallRc>? Entries { get; init; }

    public static ApiReply Json<T>(T value, int status = 200) => new(status, RestJson.Write(value));

    public static ApiReply From(Answer answer) => From(answer.Status, answer.Entries);

    public static ApiReply From(int status, IReadOnlyList<ApiCallRc> entries) => new(status, RestJson.Write<List<ApiCallRc>>([.. entries])) { Entries = entries };

    public static ApiReply Text(int status, string text, string contentType = "text/plain") => new(status, Encoding.UTF8.GetBytes(text), contentType);
}
