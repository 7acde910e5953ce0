using System.Text;
using System.Text.Json.Serialization;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>One entry of the list that LINSTOR answers to every change.</summary>
internal sealed record ApiCallRc
{
    /// <summary>The code as on the wire.</summary>
    [JsonRequired]
    public long RetCode { get; init; }

    /// <summary>What happened, for people.</summary>
    public string? Message { get; init; }

    /// <summary>Why.</summary>
    public string? Cause { get; init; }

    /// <summary>More of it.</summary>
    public string? Details { get; init; }

    /// <summary>What LINSTOR suggests.</summary>
    public string? Correction { get; init; }

    /// <summary>Reports an operator can ask the controller for.</summary>
    public IReadOnlyList<string>? ErrorReportIds { get; init; }

    /// <summary>What it is about: kind to name.</summary>
    public IReadOnlyDictionary<string, string>? ObjRefs { get; init; }

    /// <summary>The code, taken apart.</summary>
    [JsonIgnore]
    public ReturnCode Code => new(RetCode);

    // LINSTOR leaves empty texts out.
    [JsonIgnore]
    private string Object
    {
        get
        {
            var named = (ObjRefs ?? new Dictionary<string, string>()).Where(static one => one.Key != "UUID").Select(static one => $"{one.Key} {one.Value}").ToList();
            return named.Count == 0 ? "LINSTOR gives no text" : $"LINSTOR gives no text, and names {string.Join(", ", named)}";
        }
    }

    /// <summary>The entries as one text for an operator: message, or what it is about where LINSTOR gives none, cause, correction and error reports; bounded.</summary>
    /// <param name="entries">The entries.</param>
    /// <returns>The text.</returns>
    public static string Describe(IEnumerable<ApiCallRc> entries)
    {
        const int Limit = 2000;
        var text = new StringBuilder();
        foreach (var entry in entries)
        {
            if (text.Length > 0)
            {
                text.Append(" | ");
            }

            text.Append(entry.Code).Append(": ").Append(string.IsNullOrWhiteSpace(entry.Message) ? entry.Object : entry.Message);
            Append(text, " cause: ", entry.Cause);
            Append(text, " details: ", entry.Details);
            Append(text, " correction: ", entry.Correction);
            if (entry.ErrorReportIds is { Count: > 0 } reports)
            {
                text.Append(" error reports: ").AppendJoin(", ", reports);
            }

            if (text.Length > Limit)
            {
                text.Length = Limit;
                return text.Append("...").ToString();
            }
        }

        return text.ToString();

        static void Append(StringBuilder text, string label, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                text.Append(label).Append(value);
            }
        }
    }
}
