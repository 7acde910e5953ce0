using System.Data.Common;
using System.Text.RegularExpressions;
using LinqToDB.Interceptors;

namespace Holdfast.Server.Store;

/// <summary>Notes which tables a connection writes to, so that what was read of the others need not be read again. Not safe for two threads, as little as the connection.</summary>
internal sealed partial class WriteWatch : CommandInterceptor
{
    private readonly Dictionary<string, int> _writes = new(StringComparer.Ordinal);

    // Statements of a shape that is not known may have written anywhere.
    private int _anywhere;

    /// <summary>A number that is another one after every write to one of the tables.</summary>
    /// <param name="tables">The tables' names.</param>
    public int VersionOf(IEnumerable<string> tables) => _anywhere + tables.Sum(table => _writes.GetValueOrDefault(table));

    /// <inheritdoc/>
    public override DbCommand CommandInitialized(CommandEventData eventData, DbCommand command)
    {
        var match = Statement().Match(command.CommandText);
        if (match.Groups["table"] is { Success: true, Value: var table })
        {
            _writes[table] = _writes.GetValueOrDefault(table) + 1;
        }
        else if (!match.Groups["read"].Success)
        {
            _anywhere++;
        }

        return command;
    }

    [GeneratedRegex("""^\s*(?:(?<read>SELECT)\b|(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+[\["]?(?<table>\w+))""", RegexOptions.CultureInvariant)]
    private static partial Regex Statement();
}
