using System.Text.Json;
using Holdfast.Agent.Bindings.Processes;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Agent.LocalStatus;

/// <summary>
/// <c>holdfast-agent tell</c>: the local status without an agent, read from the ledger, from libvirt and from the marks of driver processes. For the moment in
/// which the agent is dead or frozen; changes no row and takes none of the agent's locks (SQLite may make its own helper files beside the ledger).
/// </summary>
internal static class Teller
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Tells.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="libvirt">URI of the libvirtd that runs the guests.</param>
    /// <param name="version">Version of this program.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The exit code: 0; 1 when there is no ledger that can be read.</returns>
    public static async Task<int> RunAsync(string folder, string libvirt, string version, TimeProvider time)
    {
        switch (SqliteLedgerStore.Peek(folder))
        {
            case LedgerGlimpse.Unreadable unreadable:
                await Console.Error.WriteLineAsync(unreadable.Reason);
                return 1;
            case LedgerGlimpse.Read read:
                var tables = new LedgerTables();
                foreach (var change in read.Changes)
                {
                    tables.Apply(change);
                }

                var (guests, fault) = await GuestsAsync(libvirt, time);
                var status = new AgentStatus
                {
                    ReadBecause = "no agent told it",
                    Version = version,
                    Watching = false,
                    LedgerUnwritable = read.Damage,
                    HypervisorError = fault,
                    Revision = tables.Number(LedgerNumber.Revision),
                    Items = LedgerView.MachineStates(tables),
                    Machines = LedgerView.Machines(tables),
                    Guests = guests,
                    Bindings = LedgerView.Bindings(tables, pool => ProcessLauncher.Running(folder, pool)),
                    Obligations = LedgerView.Obligations(tables),
                    Attachments = LedgerView.Attachments(tables),
                };
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(status, LocalStatusJson.Default.AgentStatus));
                return 0;
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    private static async Task<(IReadOnlyList<GuestInsides> Guests, string? Fault)> GuestsAsync(string uri, TimeProvider time)
    {
        using var bound = new CancellationTokenSource(Patience, time);
        await using var hypervisor = new LibvirtHypervisor(new LibvirtHypervisorOptions { Uri = uri }, time, NullLogger<LibvirtHypervisor>.Instance);
        try
        {
            return await hypervisor.ListAsync(bound.Token) switch
            {
                ListOutcome.Listed listed => ([.. listed.Domains.Select(LedgerView.Guest)], null),
                ListOutcome.Failed failed => ([], failed.Fault.Message),
                _ => throw new InvalidOperationException("The hierarchy is closed."),
            };
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested)
        {
            return ([], $"no answer within {Patience.TotalSeconds:0} s");
        }
    }
}
