using System.Collections.Frozen;

namespace Holdfast.Server.Api.Commands;

/// <summary>Commands that belong together: those of one kind of entity.</summary>
/// <param name="Commands">The commands.</param>
internal sealed record ApiCommandGroup(IReadOnlyList<ApiCommand> Commands);

/// <summary>
/// Every command there is. Binding, validation, <c>listApis</c>, <c>docs/api.md</c> and the role tests are drawn from it. Immutable.
/// </summary>
internal sealed class ApiCommandTable
{
    private readonly FrozenDictionary<string, ApiCommand> _byName;

    /// <summary>Made once per node.</summary>
    /// <param name="groups">The commands.</param>
    public ApiCommandTable(IEnumerable<ApiCommandGroup> groups)
    {
        All = [.. groups.SelectMany(g => g.Commands).OrderBy(c => c.Name, StringComparer.Ordinal)];
        _byName = All.ToFrozenDictionary(c => c.Name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The commands, by name.</summary>
    public IReadOnlyList<ApiCommand> All { get; }

    /// <summary>Finds a command whatever the case of its name.</summary>
    public ApiCommand? Find(string name) => _byName.GetValueOrDefault(name);
}
