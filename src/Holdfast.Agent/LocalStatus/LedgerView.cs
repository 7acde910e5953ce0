using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.LocalStatus;

/// <summary>What of the local status is in the ledger alone, whoever reads it.</summary>
internal static class LedgerView
{
    /// <summary>What the server wants of the machines.</summary>
    public static IReadOnlyList<MachineInsides> Machines(LedgerTables tables) =>
    [
        .. tables.Items.Values.Select(row => row.Item).Where(item => item is { Kind: ItemKind.Machine, Machine: not null })
            .Select(item => new MachineInsides(new VmId(item.Id), item.Machine!.Name, item.Desired, item.Generation)),
    ];

    /// <summary>What is owed.</summary>
    public static IReadOnlyList<ObligationReport> Obligations(LedgerTables tables) => [.. tables.Obligations.Values.Select(row => row.ToReport())];

    /// <summary>What is attached.</summary>
    public static IReadOnlyList<AttachmentInsides> Attachments(LedgerTables tables) =>
    [
        .. tables.Attachments.Values.Select(row => new AttachmentInsides(row.Volume.Value, row.Owner, row.Mode.ToString(), row.PoolName, StateOf(row), row.BackendName)),
    ];

    private static string StateOf(AttachmentRow row) => row.Cut switch
    {
        null => row.State.ToString(),
        { IsConfirmed: true } => "cut off",
        _ => "may be cut off",
    };

    /// <summary>How machines were when the agent last wrote it down.</summary>
    public static IReadOnlyList<ItemReport> MachineStates(LedgerTables tables) =>
    [
        .. tables.Machines.Values.Select(row => new ItemReport
        {
            Kind = ItemKind.Machine,
            Id = row.Machine.Value,
            Generation = row.Generation,
            Since = row.Since,
            Conditions = row.Conditions,
            Machine = new MachineStatus { State = row.State, RebootSequence = row.RebootSequence },
        }),
    ];

    /// <summary>The storage pools that this host should have, or still has something of.</summary>
    /// <param name="tables">The ledger.</param>
    /// <param name="process">The driver process of a pool that runs now, whoever started it.</param>
    public static IReadOnlyList<BindingInsides> Bindings(LedgerTables tables, Func<PoolId, int?> process) =>
    [
        .. tables.Items.Values.Select(row => row.Item).Where(item => item is { Kind: ItemKind.Binding, Binding: not null })
            .Select(item => new BindingInsides(item.Binding!.PoolName, item.Id, item.Binding.Driver, process(new PoolId(item.Id)), null, 0, 0, 0)),
    ];

    /// <summary>A guest of libvirt's.</summary>
    public static GuestInsides Guest(OwnDomain domain) => new(domain.Machine, domain.Name, domain.Status.ToString());
}
