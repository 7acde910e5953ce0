using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;

namespace Holdfast.Server.Agents;

/// <summary>Reads reports. What one part says never costs the others: one that cannot be read is a part of its own.</summary>
internal static class ReportText
{
    /// <summary>Reads a report.</summary>
    /// <param name="body">Its text.</param>
    /// <returns>What can be read, and what cannot.</returns>
    /// <exception cref="JsonException">It is no report at all: no JSON, or without the numbers that say which it is.</exception>
    public static (HostReport Report, IReadOnlyList<ReportPart.Unreadable> Unreadable) Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            return (JsonSerializer.Deserialize(body.Span, HostJson.Default.HostReport) ?? throw new JsonException("the body is empty"), []);
        }
        catch (JsonException whole)
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (Number(root, "agentEpoch") is not { } epoch || Number(root, "sequence") is not { } sequence)
            {
                throw new JsonException(whole.Message, whole);
            }

            var unreadable = new List<ReportPart.Unreadable>();
            var report = new HostReport
            {
                AgentEpoch = epoch,
                Sequence = sequence,
                Facts = Member(root, "facts") is { ValueKind: not JsonValueKind.Null } facts ? Read(facts, HostJson.Default.HostFacts, _ => (ReportSubject.Facts, Guid.Empty), unreadable) : null,
                Items = [.. Elements(root, "items").Select(item => Read(item, HostJson.Default.ItemReport, SubjectOf, unreadable)).OfType<ItemReport>()],
                Obligations = [.. Elements(root, "obligations").Select(item => Read(item, HostJson.Default.ObligationReport, e => (ReportSubject.Obligation, IdOf(e)), unreadable)).OfType<ObligationReport>()],
            };
            return (report, unreadable);
        }
    }

    private static T? Read<T>(JsonElement element, JsonTypeInfo<T> type, Func<JsonElement, (ReportSubject Subject, Guid Id)> about, List<ReportPart.Unreadable> unreadable)
        where T : class
    {
        string why;
        try
        {
            if (element.Deserialize(type) is { } value)
            {
                return value;
            }

            why = "it is null";
        }
        catch (JsonException exception)
        {
            why = exception.Message;
        }

        var (subject, id) = about(element);
        unreadable.Add(new ReportPart.Unreadable(subject, id, element.GetRawText(), why));
        return null;
    }

    private static (ReportSubject Subject, Guid Id) SubjectOf(JsonElement item)
    {
        var subject = Member(item, "kind") is { ValueKind: JsonValueKind.String } kind
            ? kind.GetString() switch
            {
                "binding" => ReportSubject.Binding,
                "machine" => ReportSubject.Machine,
                "task" => ReportSubject.Task,
                _ => ReportSubject.Unknown,
            }
            : ReportSubject.Unknown;
        return (subject, IdOf(item));
    }

    private static Guid IdOf(JsonElement part) => Member(part, "id") is { ValueKind: JsonValueKind.String } id && id.TryGetGuid(out var named) ? named : Guid.Empty;

    private static JsonElement[] Elements(JsonElement root, string name) => Member(root, name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    private static long? Number(JsonElement root, string name) => Member(root, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : null;

    private static JsonElement? Member(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) ? value : null;
}
