using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Tasks;

/// <summary>Cuts a backend's list so that it fits in a report. Pure.</summary>
internal static class VolumePages
{
    /// <summary>The part of a list after an id; strays only with the first part.</summary>
    /// <param name="list">What the driver told.</param>
    /// <param name="after">Where the part before ended; null for the first.</param>
    public static VolumeListing Cut(VolumeList list, VolumeId? after)
    {
        var from = after?.ToString();
        var rest = list.Volumes
            .Where(volume => from is null || string.CompareOrdinal(volume.VolumeId.ToString(), from) > 0)
            .OrderBy(volume => volume.VolumeId.ToString(), StringComparer.Ordinal)
            .ToList();
        var page = rest.Take(TaskSpec.ListVolumes.PageSize).ToList();
        var strays = after is null ? list.Strays : [];
        return new VolumeListing
        {
            Volumes = page,
            Through = rest.Count > page.Count ? page[^1].VolumeId : null,
            Strays = [.. strays.Take(TaskSpec.ListVolumes.MostStrays)],
            MoreStrays = Math.Max(0, strays.Count - TaskSpec.ListVolumes.MostStrays),
        };
    }
}
