using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>A pending job.</summary>
/// <param name="Id">The job.</param>
/// <param name="Kind">What it waits for.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Deadline">When it fails.</param>
/// <param name="Generation">The machine generation it waits for, once there is one.</param>
public sealed record JobFacts(JobId Id, JobKind Kind, DateTimeOffset Created, DateTimeOffset Deadline, Generation? Generation = null);
