using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.AffinityGroups;

/// <summary>How commands about VMs name affinity groups.</summary>
internal static class AffinityParameters
{
    private static readonly ListParameter<AffinityGroupId> GroupIds = Ids<AffinityGroupId>("affinitygroupids", "the ids of affinity groups of the VM's owner; not together with affinitygroupnames", clearable: true);
    private static readonly ListParameter<string> GroupNames = Texts("affinitygroupnames", "the names of affinity groups of the VM's owner, whatever their case; not together with affinitygroupids", clearable: true);

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [GroupIds, GroupNames];

    /// <summary>Reads them; null: none was sent. An empty one names no group.</summary>
    public static (GivenAffinity? Given, ApiError? Error) Read(CommandCall call)
    {
        var (ids, names) = (call.Get(GroupIds), call.Get(GroupNames));
        return (ids, names) switch
        {
            (null, null) => (null, null),
            ({ }, { }) => (null, ApiError.InvalidParameter("affinitygroupids parameter is mutually exclusive with affinitygroupnames parameter")),
            _ => (new GivenAffinity { Ids = ids ?? [], Names = names ?? [] }, null),
        };
    }
}
