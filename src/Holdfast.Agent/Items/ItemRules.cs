using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Items;

/// <summary>What is done with an item that arrives. A closed hierarchy.</summary>
internal abstract record ItemVerdict
{
    private ItemVerdict()
    {
    }

    /// <summary>It is newer than what is known: take it.</summary>
    internal sealed record Accept : ItemVerdict;

    /// <summary>It is what is known already.</summary>
    internal sealed record Duplicate : ItemVerdict;

    /// <summary>It is older than what is known: refused.</summary>
    /// <param name="Known">The generation that is known.</param>
    internal sealed record Stale(Generation Known) : ItemVerdict;

    /// <summary>It has the known generation and other content: refused.</summary>
    internal sealed record Contradiction : ItemVerdict;

    /// <summary>It makes no sense: refused.</summary>
    /// <param name="Reason">What is wrong.</param>
    internal sealed record Malformed(string Reason) : ItemVerdict;
}

/// <summary>Decides about items that arrive. Pure.</summary>
internal static class ItemRules
{
    /// <summary>Judges an item against what is known about its object.</summary>
    public static ItemVerdict Judge(HostItem? known, HostItem incoming)
    {
        if (Defect(incoming) is { } defect)
        {
            return new ItemVerdict.Malformed(defect);
        }

        if (known is null || incoming.Generation > known.Generation)
        {
            return new ItemVerdict.Accept();
        }

        if (incoming.Generation < known.Generation)
        {
            return new ItemVerdict.Stale(known.Generation);
        }

        return SameContent(known, incoming) ? new ItemVerdict.Duplicate() : new ItemVerdict.Contradiction();
    }

    /// <summary>Whether two items say the same; revision and deadline belong to the sending, not to the content.</summary>
    public static bool SameContent(HostItem left, HostItem right) => Canonical(left).AsSpan().SequenceEqual(Canonical(right));

    private static byte[] Canonical(HostItem item) =>
        JsonSerializer.SerializeToUtf8Bytes(item with { Revision = 0, ExpiresInMs = null }, HostJson.Default.HostItem);

    private static string? Defect(HostItem item)
    {
        var isTombstone = item.Desired == Desired.Absent;
        return item.Kind switch
        {
            _ when item.Generation <= Generation.None => "its generation is not positive",
            ItemKind.Binding => item.Desired switch
            {
                Desired.Absent => null,
                Desired.Attached or Desired.Quiesced when item.Binding is null => "it has no binding specification",
                Desired.Attached or Desired.Quiesced when item.Binding.PoolId.Value != item.Id => "its specification names another pool",
                Desired.Attached or Desired.Quiesced => null,
                _ => $"a binding cannot be {item.Desired}",
            },
            ItemKind.Machine => item.Desired switch
            {
                Desired.Absent => null,
                Desired.Running or Desired.Stopped when item.Machine is null => "it has no machine specification",
                Desired.Running or Desired.Stopped when item.Machine.VmId.Value != item.Id => "its specification names another machine",
                Desired.Running or Desired.Stopped when item.Machine.Disks.DistinctBy(disk => disk.VolumeId).Count() != item.Machine.Disks.Count => "it names a volume twice",
                Desired.Running or Desired.Stopped when item.Machine.Disks.DistinctBy(disk => disk.DeviceId).Count() != item.Machine.Disks.Count => "it names a device id twice",
                Desired.Running or Desired.Stopped => null,
                _ => $"a machine cannot be {item.Desired}",
            },
            ItemKind.Task when isTombstone => null,
            ItemKind.Task when item.Desired != Desired.Done => $"a task cannot be {item.Desired}",
            ItemKind.Task when item.Task is null => "it has no task specification",
            ItemKind.Task => null,
            _ => "its kind is not known",
        };
    }
}
