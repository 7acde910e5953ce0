using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

/// <content>Which of LINSTOR's nodes this host is.</content>
internal sealed partial class LinstorDriver
{
    private const int MostNames = 10;

    /// <summary>The node, once LINSTOR has told that it has it; looked up again with each status.</summary>
    private volatile string? _node;

    /// <summary>This host's name at LINSTOR, as far as it is known.</summary>
    private string NodeName => _node ?? _settings.NodeName;

    /// <summary>
    /// The node that a host is. LINSTOR tells for each node what its satellite's kernel calls itself; where it does not, the names are compared, a full one with a short one
    /// by its first part, and no case is told apart. Of several nothing is guessed.
    /// </summary>
    /// <param name="nodes">All nodes.</param>
    /// <param name="host">What this host's kernel calls itself.</param>
    /// <returns>The node; null when it is none, or may be more than one.</returns>
    internal static Node? NodeOf(IReadOnlyList<Node> nodes, string host)
    {
        var fit = nodes.Where(node => Fits(node, host)).ToList();
        return Only(fit.Where(node => Same(node.Uname, host))) ?? Only(fit.Where(node => Same(node.Name, host))) ?? Only(fit.Where(node => IsSameMachine(node.Name, host)));

        static Node? Only(IEnumerable<Node> found) => found.Take(2).ToList() is [var one] ? one : null;
    }

    /// <summary>Whether what LINSTOR tells of a node's satellite leaves room for it being on a host.</summary>
    private static bool Fits(Node node, string host) => node.Uname is not { } uname || IsSameMachine(uname, host);

    private static bool IsSameMachine(string? left, string? right) => Same(left, right) || IsShortOf(left, right) || IsShortOf(right, left);

    private static bool Same(string? left, string? right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private static bool IsShortOf(string? name, string? full) => name is not null && full is not null && !name.Contains('.', StringComparison.Ordinal)
        && full.StartsWith(name + ".", StringComparison.OrdinalIgnoreCase);

    /// <summary>Looks this host's node up. One request when its name is LINSTOR's.</summary>
    /// <returns>The node, or why there is none.</returns>
    private async Task<RestReply<Node>> LookUpNodeAsync(CallDeadline deadline)
    {
        if (!(await _linstor.NodeAsync(NodeName, deadline)).Has(out var node, out var problem) && problem is not null)
        {
            return problem;
        }

        if (node is null || !(_settings.IsNodeGiven || Fits(node, _settings.NodeName)))
        {
            if (!(await _linstor.AllNodesAsync(deadline)).Has(out var nodes, out var unread))
            {
                return unread;
            }

            node = _settings.IsNodeGiven ? nodes.Find(one => Same(one.Name, _settings.NodeName)) : NodeOf(nodes, _settings.NodeName);
            if (node is null)
            {
                _node = null;
                return new RestProblem
                {
                    Code = DriverErrorCode.Invalid,
                    Text = $"LINSTOR at {_linstor.Controllers.Names} has no node '{_settings.NodeName}', which this host would be"
                        + (_settings.IsNodeGiven ? " (setting 'nodeName')" : " by its own name (setting 'nodeName' of this host says another)")
                        + $"; it has {NamesOf(nodes.Select(static one => one.Name))}. Nothing can be made or newly attached on this host.",
                };
            }
        }

        if (_node != node.Name && node.Name is { } name)
        {
            if (!Same(name, _settings.NodeName))
            {
                LogNode(_settings.NodeName, name, node.Uname ?? "not told");
            }

            _node = name;
        }

        return node;
    }

    /// <summary>Sees to it that this host's node is known before anything is asked for by its name.</summary>
    /// <returns>Null when it is; else why not.</returns>
    private async Task<RestProblem?> KnowNodeAsync(CallDeadline deadline) =>
        _node is not null || (await LookUpNodeAsync(deadline)).Has(out _, out var problem) ? null : problem;

    private static string NamesOf(IEnumerable<string?> names)
    {
        var all = names.OfType<string>().Order(StringComparer.OrdinalIgnoreCase).ToList();
        return all.Count == 0 ? "none" : string.Join(", ", all.Take(MostNames)) + (all.Count > MostNames ? $" and {all.Count - MostNames} more" : string.Empty);
    }
}
