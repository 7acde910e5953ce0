using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// What Holdfast writes on a resource definition, as auxiliary properties. They are set in the request that makes the definition, so that there is never one
/// of ours without them; a definition with our name and without them is somebody else's and is not touched.
/// </summary>
internal sealed record VolumeMarks
{
    public const string VolumeKey = "Aux/holdfast/volume-id";
    public const string PoolKey = "Aux/holdfast/pool-id";
    public const string GenerationKey = "Aux/holdfast/generation";
    public const string SourceKey = "Aux/holdfast/source";
    public const string SealedKey = "Aux/holdfast/sealed";
    public const string BuildingKey = "Aux/holdfast/building";
    public const string LabelKey = "Aux/holdfast/label";

    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The pool.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>The newest generation that was asked for.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Where the content came from, as <see cref="SourceText"/> writes it.</summary>
    public required string Source { get; init; }

    /// <summary>Whether it is read-only for ever.</summary>
    public bool Sealed { get; init; }

    /// <summary>Whether it is not complete yet: whoever finds this finishes it or takes it away.</summary>
    public bool Building { get; init; }

    /// <summary>How a source is written down.</summary>
    /// <param name="source">The source.</param>
    /// <returns>The text.</returns>
    public static string SourceText(VolumeSource source) => source switch
    {
        VolumeSource.Empty => "empty",
        VolumeSource.FromVolume from => $"volume:{from.VolumeId}",
        VolumeSource.FromSnapshot from => $"snapshot:{from.VolumeId}/{from.SnapshotId}",
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    /// <summary>Whether a definition is the volume's: by its whole name and by all our marks.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="volume">The volume.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="marks">The marks.</param>
    /// <param name="whyNot">What speaks against it.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryRead(ResourceDefinition definition, VolumeId volume, PoolId pool, out VolumeMarks? marks, out string? whyNot)
    {
        marks = null;
        if (!VolumeName.TryParse(definition.Name, out var named) || named != volume)
        {
            whyNot = "its name is another";
            return false;
        }

        if (definition.Property(VolumeKey) is not { } volumeText)
        {
            whyNot = "it does not carry Holdfast's marks";
            return false;
        }

        if (!Guid.TryParseExact(volumeText, "D", out var marked) || marked != volume.Value)
        {
            whyNot = $"it is marked as volume {volumeText}";
            return false;
        }

        if (!Guid.TryParseExact(definition.Property(PoolKey), "D", out var owner) || owner != pool.Value)
        {
            whyNot = $"it belongs to storage pool {definition.Property(PoolKey) ?? "nobody knows"}";
            return false;
        }

        if (!long.TryParse(definition.Property(GenerationKey), NumberStyles.None, CultureInfo.InvariantCulture, out var generation) || generation < 1)
        {
            whyNot = $"its mark of the generation is '{definition.Property(GenerationKey)}'";
            return false;
        }

        marks = new VolumeMarks
        {
            Volume = volume,
            Pool = pool,
            Generation = new Generation(generation),
            Source = definition.Property(SourceKey) ?? string.Empty,
            Sealed = definition.Property(SealedKey) == "true",
            Building = definition.Property(BuildingKey) is not null,
        };
        whyNot = null;
        return true;
    }

    /// <summary>The properties that carry the marks.</summary>
    /// <param name="label">A label for people, or null.</param>
    /// <returns>The properties.</returns>
    public Dictionary<string, string> ToProperties(string? label = null)
    {
        var properties = new Dictionary<string, string>
        {
            [VolumeKey] = Volume.ToString(),
            [PoolKey] = Pool.ToString(),
            [GenerationKey] = Generation.ToString(),
            [SourceKey] = Source,
        };
        if (Sealed)
        {
            properties[SealedKey] = "true";
        }

        if (Building)
        {
            properties[BuildingKey] = "true";
        }

        if (!string.IsNullOrWhiteSpace(label))
        {
            properties[LabelKey] = label;
        }

        return properties;
    }
}
