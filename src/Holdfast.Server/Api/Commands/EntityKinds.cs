using System.Collections.Frozen;

namespace Holdfast.Server.Api.Commands;

/// <summary>The kinds of entity there are. Immutable.</summary>
internal sealed class EntityKinds
{
    private readonly FrozenDictionary<Type, EntityKind> _byId;
    private readonly FrozenDictionary<string, EntityKind> _byName;

    /// <summary>Made once per node.</summary>
    /// <param name="kinds">The kinds.</param>
    public EntityKinds(IEnumerable<EntityKind> kinds)
    {
        All = [.. kinds];
        _byId = All.ToFrozenDictionary(k => k.IdType);
        _byName = All.ToFrozenDictionary(k => k.Name, StringComparer.Ordinal);
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<EntityKind> All { get; }

    /// <summary>The kind that ids of a type are of.</summary>
    /// <exception cref="KeyNotFoundException">None is registered: a bug of who declared the parameter.</exception>
    public EntityKind Of(EntityReference reference) => _byId[reference.IdType];

    /// <summary>The kind that jobs and events name; null: they name something that no command gives out.</summary>
    public EntityKind? Named(string name) => _byName.GetValueOrDefault(name);
}

/// <summary>What the ids of a parameter refer to.</summary>
/// <param name="IdType">The type of the ids.</param>
/// <param name="IsToChange">Whether the command changes the entity: others' public ones are not found then.</param>
internal readonly record struct EntityReference(Type IdType, bool IsToChange);
