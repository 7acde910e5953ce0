using Holdfast.Core.Ids;
using Holdfast.Core.Planning;

namespace Holdfast.Server.Placement;

/// <summary>Hosts that cannot take a VM.</summary>
/// <param name="Hosts">Some of each kind; the first of each kind counts those that are not here.</param>
/// <param name="Storage">Those of them whose storage is what speaks against them.</param>
/// <param name="MoreStorage">Further ones of that kind.</param>
internal sealed record Refusals(IReadOnlyList<HostCandidate> Hosts, IReadOnlyList<IncarnationId> Storage, int MoreStorage);
