using System.Text;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>One complete answer; faults on the wire decide how much of it is sent.</summary>
internal sealed record ApiReply(int Status, byte[] Body, string ContentType = "application/json")
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The entries, when the body is a list of them.</summary>
    public IReadOnlyList<ApiCallRc>? Entries { get; init; }

    public static ApiReply Json<T>(T value, int status = 200) => new(status, RestJson.Write(value));

    /// <summary>The same answer with references added to its entries.</summary>
    public ApiReply About(IReadOnlyCollection<(string Key, string Value)> references) =>
        Entries is null || references.Count == 0 ? this : From(Status, [.. About(Entries, references)]);

    /// <summary>Entries with references added where they have none of that kind yet.</summary>
    public static IEnumerable<ApiCallRc> About(IEnumerable<ApiCallRc> entries, IReadOnlyCollection<(string Key, string Value)> references)
    {
        foreach (var entry in entries)
        {
            var all = new Dictionary<string, string>(entry.ObjRefs ?? []);
            foreach (var (key, value) in references)
            {
                all.TryAdd(key, value);
            }

            yield return entry with { ObjRefs = all };
        }
    }

    public static ApiReply From(Answer answer) => From(answer.Status, answer.Entries).About(answer.References);

    public static ApiReply From(int status, IReadOnlyList<ApiCallRc> entries) => new(status, RestJson.Write<List<ApiCallRc>>([.. entries])) { Entries = entries };

    public static ApiReply Text(int status, string text, string contentType = "text/plain") => new(status, Encoding.UTF8.GetBytes(text), contentType);
}
