using System.Text.Json.Serialization;
using Holdfast.LinstorSimulation.Drbd;

namespace Holdfast.LinstorSimulation.Admin;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true,
    Converters = [typeof(FaultKindConverter)])]
[JsonSerializable(typeof(List<FaultRule>))]
[JsonSerializable(typeof(RequestsView))]
[JsonSerializable(typeof(List<NodeView>))]
[JsonSerializable(typeof(NodeSwitch))]
[JsonSerializable(typeof(ControllerSwitch))]
[JsonSerializable(typeof(OpenSwitch))]
[JsonSerializable(typeof(DrbdSwitch))]
[JsonSerializable(typeof(DrbdView))]
[JsonSerializable(typeof(List<SimulatedVolume>))]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class AdminJson : JsonSerializerContext;

internal sealed class FaultKindConverter() : JsonStringEnumConverter<FaultKind>(System.Text.Json.JsonNamingPolicy.CamelCase);

internal sealed record RequestsView(long ConnectionsAccepted, long? ConnectionAttempts, int Total, IReadOnlyDictionary<string, int> Counts, IReadOnlyList<RequestEntry> Requests);

internal sealed record NodeView(string Name, bool Online, bool Stuck);

/// <summary>What is changed about a satellite; <c>Status</c> takes it offline with one of LINSTOR's words for why.</summary>
internal sealed record NodeSwitch(bool? Online, bool? Stuck, bool? Frozen, bool? DiesAtWork, bool? ByResLinks, string? Status);

/// <summary>A controller that is killed may forget what it answered last, by time or by writes of its database.</summary>
internal sealed record ControllerSwitch(bool Running, double? ForgetSeconds, int? ForgetWrites);

internal sealed record DrbdView(string Write);

internal sealed record OpenSwitch(bool Open);

internal sealed record Overview(string Uri, string? HttpsUri, bool Running, string StateFolder, string DrbdSetup, IReadOnlyList<string>? Violations, IReadOnlyList<string>? TwoPrimariesLeftovers);

internal sealed record Problem(string Error);
