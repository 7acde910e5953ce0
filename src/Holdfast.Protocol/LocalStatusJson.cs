using System.Text.Json.Serialization;
using Holdfast.Protocol.Host;

namespace Holdfast.Protocol;

/// <summary>JSON of an agent's local status: indented, since people read it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(AgentStatus))]
public sealed partial class LocalStatusJson : JsonSerializerContext;
