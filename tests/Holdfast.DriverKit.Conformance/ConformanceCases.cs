using Holdfast.DriverKit.Conformance.Cases;

namespace Holdfast.DriverKit.Conformance;

/// <summary>All cases.</summary>
public static class ConformanceCases
{
    /// <summary>All cases, in the order of their reading.</summary>
    public static IReadOnlyList<ConformanceCase> All { get; } =
    [
        .. LifeCases.All,
        .. RequestCases.All,
        .. StatusCases.All,
        .. VolumeCases.All,
        .. CloneCases.All,
        .. SnapshotCases.All,
        .. AttachmentCases.All,
        .. CutCases.All,
        .. ConcurrencyCases.All,
        .. CrashCases.All,
    ];
}
