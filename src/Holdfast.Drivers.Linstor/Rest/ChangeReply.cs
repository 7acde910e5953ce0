namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>What LINSTOR said to a change it accepted. A 200 is not proof: warnings say what is not true yet.</summary>
/// <param name="Entries">All entries, in order.</param>
internal sealed record ChangeReply(IReadOnlyList<ApiCallRc> Entries)
{
    /// <summary>Whether a satellite was away, so that the change takes effect there only when it is back.</summary>
    public bool Deferred => Has(ReturnType.Warn, LinstorCode.WarnNotConnected) || Has(ReturnType.Warn, LinstorCode.WarnNotUpdated);

    /// <summary>Whether there was nothing to change because the object does not exist.</summary>
    public bool Absent => Has(ReturnType.Warn, LinstorCode.WarnNotFound);

    /// <summary>Whether an entry of this type and code is there.</summary>
    /// <param name="type">The type.</param>
    /// <param name="code">The code.</param>
    /// <returns>Whether it is.</returns>
    public bool Has(ReturnType type, int code) => Entries.Any(entry => entry.Code.Type == type && entry.Code.Code == code);

    /// <summary>Whether a warning is about a node. LINSTOR names it in quotation marks in its text, and only sometimes apart.</summary>
    /// <param name="node">The node's name.</param>
    /// <returns>Whether one is.</returns>
    public bool Names(string? node) => node is not null && Entries.Any(entry => entry.Code.IsWarning
        && ((entry.ObjRefs?.TryGetValue("Node", out var named) == true && string.Equals(named, node, StringComparison.OrdinalIgnoreCase))
            || (entry.Message?.Contains($"'{node}'", StringComparison.OrdinalIgnoreCase) ?? false)
            || (entry.Details?.Contains($"'{node}'", StringComparison.OrdinalIgnoreCase) ?? false)));

    /// <summary>Warnings as one text; empty when there are none.</summary>
    /// <returns>The text.</returns>
    public string Warnings() => ApiCallRc.Describe(Entries.Where(static entry => entry.Code.IsWarning));
}
