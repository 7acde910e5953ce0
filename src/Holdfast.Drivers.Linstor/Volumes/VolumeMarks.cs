using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// What Holdfast writes on a resource definition, as auxiliary properties. They are set in the request that makes the definition, so that there is never one
/// of ours without them; a definition with our name and without them is somebody else's and is not touched. Their keys carry the volume's id: LINSTOR copies the
/// properties of a clone's source and of a restored snapshot over a definition's own, and such copies must neither hide nor pretend whose it is.
/// </summary>
internal sealed record VolumeMarks
{
    /// <summary>The pool's mark: the one key that is the same for all volumes, because lists are filtered by it.</summary>
    public const string PoolKey = Root + "pool-id";

    private const string Root = "Aux/holdfast/";
    private const string FormerVolumeKey = Root + "volume-id";
    private const string GenerationName = "generation";
    private const string SourceName = "source";
    private const string SealedName = "sealed";
    private const string BuildingName = "building";
    private const string LabelName = "label";
    private const string RevertName = "revert";
    private const string RevertsName = "reverts";

    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The pool.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>The newest generation that was asked for.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Where the content came from, as <see cref="SourceText"/> writes it; empty when nothing tells.</summary>
    public required string Source { get; init; }

    /// <summary>Whether it is read-only for ever.</summary>
    public bool Sealed { get; init; }

    /// <summary>Whether it is not complete yet: whoever finds this finishes it or takes it away.</summary>
    public bool Building { get; init; }

    /// <summary>A label for people, or null.</summary>
    public string? Label { get; init; }

    /// <summary>How often it was reverted.</summary>
    public long Reverts { get; init; }

    /// <summary>A revert that is not known to be complete.</summary>
    public PendingRevert? Revert { get; init; }

    /// <summary>
    /// The volume of which a half-made volume carries the marks instead of its own: a former version began to make it from a snapshot of that. Its own
    /// <see cref="Generation"/> and <see cref="Source"/> are not known then: the first, and empty.
    /// </summary>
    public VolumeId? MarkedAs { get; init; }

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

    /// <summary>Whether a definition is the volume's: by its whole name, by the key with its id, and by the pool.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="volume">The volume.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="marks">The marks.</param>
    /// <param name="whyNot">What speaks against it.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryRead(ResourceDefinition definition, VolumeId volume, PoolId pool, out VolumeMarks? marks, out string? whyNot)
    {
        marks = null;
        whyNot = null;
        if (!VolumeName.TryParse(definition.Name, out var named) || named != volume)
        {
            whyNot = "its name is another";
            return false;
        }

        if (!Guid.TryParseExact(definition.Property(PoolKey), "D", out var owner) || owner != pool.Value)
        {
            whyNot = definition.Property(PoolKey) is { } other ? $"it belongs to storage pool {other}" : "it does not carry Holdfast's marks";
            return false;
        }

        var own = Own(volume);
        if (definition.Property(own + GenerationName) is not null)
        {
            return TryRead(definition, own, volume, pool, out marks, out whyNot);
        }

        if (!Guid.TryParseExact(definition.Property(FormerVolumeKey), "D", out var marked))
        {
            whyNot = definition.Property(FormerVolumeKey) is { } nonsense
                ? $"it is marked as volume {nonsense}"
                : Another(definition) is { } stranger
                    ? $"it carries the marks of volume {stranger}, of which it seems to be a copy that Holdfast did not make"
                    : "it does not carry Holdfast's marks";
            return false;
        }

        if (marked == volume.Value)
        {
            return TryRead(definition, Root, volume, pool, out marks, out whyNot);
        }

        if (definition.Property(Root + BuildingName) is null)
        {
            whyNot = $"it is marked as volume {marked}, of which it seems to be a copy";
            return false;
        }

        marks = new VolumeMarks
        {
            Volume = volume,
            Pool = pool,
            Generation = Generation.First,
            Source = string.Empty,
            Building = true,
            MarkedAs = new VolumeId(marked),
        };
        return true;
    }

    /// <summary>Every mark on a definition that would be another's on a copy of it: all but the pool's.</summary>
    /// <param name="definition">The definition.</param>
    /// <returns>Their keys.</returns>
    public static IReadOnlyList<string> KeysOf(ResourceDefinition definition) =>
        [.. (definition.Props?.Keys ?? []).Where(static key => key.StartsWith(Root, StringComparison.Ordinal) && key != PoolKey)];

    /// <summary>The property that tells a revert under way.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>Its key. A snapshot never holds it: none is taken meanwhile.</returns>
    public static string RevertKey(VolumeId volume) => Own(volume) + RevertName;

    /// <summary>What makes a definition carry these marks and no others, those of former versions and of another volume included.</summary>
    /// <param name="definition">The definition as it is.</param>
    /// <returns>The change; null when there is none to make.</returns>
    public PropertyChange? ChangeOf(ResourceDefinition definition)
    {
        var wanted = ToProperties();
        var stray = KeysOf(definition).Where(key => !wanted.ContainsKey(key)).ToList();
        return stray.Count == 0 && wanted.All(mark => definition.Property(mark.Key) == mark.Value) ? null : new PropertyChange(wanted, stray.Count > 0 ? stray : null);
    }

    /// <summary>The properties that carry the marks.</summary>
    /// <returns>The properties.</returns>
    public Dictionary<string, string> ToProperties()
    {
        var own = Own(Volume);
        var properties = new Dictionary<string, string>
        {
            [PoolKey] = Pool.ToString(),
            [own + GenerationName] = Generation.ToString(),
            [own + SourceName] = Source,
        };
        if (Sealed)
        {
            properties[own + SealedName] = "true";
        }

        if (Building)
        {
            properties[own + BuildingName] = "true";
        }

        if (!string.IsNullOrWhiteSpace(Label))
        {
            properties[own + LabelName] = Label;
        }

        if (Reverts > 0)
        {
            properties[own + RevertsName] = Reverts.ToString(CultureInfo.InvariantCulture);
        }

        if (Revert is not null)
        {
            properties[own + RevertName] = Revert.Text;
        }

        return properties;
    }

    private static string Own(VolumeId volume) => $"{Root}{volume}/";

    private static bool TryRead(ResourceDefinition definition, string root, VolumeId volume, PoolId pool, out VolumeMarks? marks, out string? whyNot)
    {
        marks = null;
        if (!long.TryParse(definition.Property(root + GenerationName), NumberStyles.None, CultureInfo.InvariantCulture, out var generation) || generation < 1)
        {
            whyNot = $"its mark of the generation is '{definition.Property(root + GenerationName)}'";
            return false;
        }

        marks = new VolumeMarks
        {
            Volume = volume,
            Pool = pool,
            Generation = new Generation(generation),
            Source = definition.Property(root + SourceName) ?? string.Empty,
            Sealed = definition.Property(root + SealedName) == "true",
            Building = definition.Property(root + BuildingName) is not null,
            Label = definition.Property(root + LabelName),
            Reverts = long.TryParse(definition.Property(root + RevertsName), NumberStyles.None, CultureInfo.InvariantCulture, out var reverts) ? reverts : 0,
            Revert = PendingRevert.Parse(volume, definition.Property(root + RevertName)),
        };
        whyNot = null;
        return true;
    }

    private static VolumeId? Another(ResourceDefinition definition)
    {
        foreach (var key in KeysOf(definition))
        {
            if (key[Root.Length..].Split('/') is [var text, GenerationName] && Guid.TryParseExact(text, "D", out var id))
            {
                return new VolumeId(id);
            }
        }

        return null;
    }
}
