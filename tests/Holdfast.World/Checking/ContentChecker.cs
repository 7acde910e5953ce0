using Holdfast.Core.Ids;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I20: what a guest was told is written is there when the next one reads it, whatever was cut off, suspended or resumed between.</summary>
internal sealed class ContentChecker : Checker
{
    private readonly Dictionary<VolumeId, long> _confirmed = [];

    public override string Invariant => "I20";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.WriteConfirmed write:
                _confirmed[write.Volume] = write.Number;
                return null;
            case HistoryEntry.ContentRead read when _confirmed.TryGetValue(read.Volume, out var confirmed):
                Judged++;
                return read.Number < confirmed ? $"volume {HistoryText.Short(read.Volume.Value)} holds write {read.Number} on {read.Host}, and write {confirmed} was confirmed" : null;
            default:
                return null;
        }
    }
}
