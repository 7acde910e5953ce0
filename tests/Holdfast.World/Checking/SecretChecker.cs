using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I17: a secret that was given to the product is in no log line, report or answer.</summary>
internal sealed class SecretChecker : Checker
{
    public override string Invariant => "I17";

    public override string? Look(HistoryEntry entry)
    {
        var text = entry switch
        {
            HistoryEntry.Logged logged => logged.Text,
            HistoryEntry.ApiAnswered answered => answered.Answer,
            HistoryEntry.Reported reported => JsonSerializer.Serialize(reported.Report, HostJson.Default.HostReport),
            _ => null,
        };
        if (text is null)
        {
            return null;
        }

        Judged++;
        return text.Contains(World.Taint, StringComparison.Ordinal) ? $"the pool's secret is in {entry.GetType().Name}" : null;
    }
}
