using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reports;

/// <summary>
/// What a host says is taken part by part. A part that is not the host's to say, that cannot be read, or that meets a bug, costs only itself: it is kept word for
/// word, shown at the host and at what it is about, and tried again until it is taken or something newer of the same is.
/// </summary>
internal sealed partial class ReportDesk : TurnPart, ITurnPart<ReportDesk>
{
    private readonly ILogger _logger;

    private ReportDesk(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<ReportDesk>();

    /// <inheritdoc/>
    public static ReportDesk Of(Turn turn) => new(turn);

    /// <summary>What a host says it is, as its row has it.</summary>
    public static HostRow Apply(HostRow host, HostFacts facts) => host with
    {
        NodeName = facts.NodeName,
        Address = facts.Address,
        Cpus = facts.Cpus,
        CpuMhz = facts.CpuMhz,
        MemoryBytes = facts.MemoryBytes,
        Accelerator = facts.Accelerator,
        HypervisorVersion = facts.HypervisorVersion,
        LibvirtVersion = facts.LibvirtVersion,
        AgentVersion = facts.AgentVersion,
        Firmware = Csv.Join(facts.Firmware),
        Drivers = StoredText.Of(facts.Drivers),
    };

    /// <summary>Takes one thing that a host says, or sets it aside.</summary>
    public async Task TakeAsync(HostRow host, IncarnationId incarnation, ReportPart part, CancellationToken cancellationToken)
    {
        string? objection = null;
        switch (part)
        {
            case ReportPart.Item item:
                await ObserveAsync(host, incarnation, item.Report, cancellationToken);
                break;
            case ReportPart.Obligation obligation:
                objection = await Turn.Part<ObligationDesk>().ObserveObligationAsync(host, incarnation, obligation.Report, cancellationToken);
                break;
            case ReportPart.Facts facts:
                await Db.UpdateAsync(Apply(await Db.Hosts.SingleAsync(h => h.Id == host.Id, cancellationToken), facts.Report), token: cancellationToken);
                break;
            case ReportPart.Unreadable unreadable:
                objection = unreadable.Why;
                break;
        }

        if (objection is not null)
        {
            await SetAsideAsync(host, incarnation, part, objection, isOwnFault: part is ReportPart.Unreadable, cancellationToken);
        }
        else if (host.SetAside > 0)
        {
            await TakenAsync(host, incarnation, part.Subject, part.Id, cancellationToken);
        }
    }

    /// <summary>Keeps what could not be taken.</summary>
    /// <param name="host">The host.</param>
    /// <param name="incarnation">Its installation.</param>
    /// <param name="part">What it said.</param>
    /// <param name="why">Why it could not be taken.</param>
    /// <param name="isOwnFault">Whether the host said nothing wrong: then it is not passed over, however much there is already.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SetAsideFullException">There is too much already.</exception>
    public async Task SetAsideAsync(HostRow host, IncarnationId incarnation, ReportPart part, string why, bool isOwnFault, CancellationToken cancellationToken)
    {
        var known = await Db.SetAside.FirstOrDefaultAsync(s => s.IncarnationId == incarnation && s.Subject == part.Subject && s.Id == part.Id, cancellationToken);
        if (known is not null)
        {
            await Db.UpdateAsync(known with { Said = part.Said, Error = why, Tries = known.Tries + 1, NextTry = Now + SetAsideRule.Pause(known.Tries + 1) }, token: cancellationToken);
            return;
        }

        Db.AfterCommit(() => LogSetAside(host.Name, host.Id, part.Subject, part.Id, why));
        var count = await Db.SetAside.CountAsync(s => s.IncarnationId == incarnation, cancellationToken);
        if (count >= SetAsideRule.Most)
        {
            if (isOwnFault)
            {
                throw new SetAsideFullException($"{count} things that host {host.Name} said could not be taken, and no more are kept");
            }

            return;
        }

        await Db.InsertAsync(
            new SetAsideRow
            {
                IncarnationId = incarnation, Subject = part.Subject, Id = part.Id, Said = part.Said, Error = why, Tries = 1, Since = Now, NextTry = Now + SetAsideRule.Pause(1),
            },
            token: cancellationToken);
        await Db.Hosts.Where(h => h.Id == host.Id).Set(h => h.SetAside, count + 1).UpdateAsync(cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.HostReportSetAside,
            EventLevel.Error,
            $"What host {host.Name} ({host.Id}) says of {DescribeSubject(part.Subject, part.Id)} is not taken: {why}. It is kept and tried again; what was known before still counts",
            ResourceTypes.Host,
            host.Id.Value,
            host.Name,
            cancellationToken);
    }

    /// <summary>Tries once more to take what was set aside; when nothing is there any more, nothing happens.</summary>
    public async Task TakeAgainAsync(IncarnationId incarnation, ReportSubject subject, Guid id, CancellationToken cancellationToken)
    {
        var found = await (from s in Db.SetAside
                           join i in Db.Incarnations on s.IncarnationId equals i.Id
                           join h in Db.Hosts on i.HostId equals h.Id
                           where s.IncarnationId == incarnation && s.Subject == subject && s.Id == id && i.State == IncarnationState.Active
                           select new { Row = s, Host = h }).FirstOrDefaultAsync(cancellationToken);
        if (found is not null)
        {
            await TakeAsync(found.Host, incarnation, ReportPart.Read(subject, id, found.Row.Said), cancellationToken);
        }
    }

    /// <summary>It could not be taken this time either.</summary>
    public async Task RestAsync(IncarnationId incarnation, ReportSubject subject, Guid id, string why, CancellationToken cancellationToken)
    {
        if (await Db.SetAside.FirstOrDefaultAsync(s => s.IncarnationId == incarnation && s.Subject == subject && s.Id == id, cancellationToken) is { } row)
        {
            await Db.UpdateAsync(row with { Error = why, Tries = row.Tries + 1, NextTry = Now + SetAsideRule.Pause(row.Tries + 1) }, token: cancellationToken);
        }
    }

    /// <summary>What it is about, for people.</summary>
    public static string DescribeSubject(ReportSubject subject, Guid id) => subject switch
    {
        ReportSubject.Binding => $"storage pool {id}",
        ReportSubject.Machine => $"VM {id}",
        ReportSubject.Task => $"task {id}",
        ReportSubject.Obligation => $"obligation {id}",
        ReportSubject.Facts => "itself",
        _ => "something that cannot be read",
    };

    private async Task TakenAsync(HostRow host, IncarnationId incarnation, ReportSubject subject, Guid id, CancellationToken cancellationToken)
    {
        if (await Db.SetAside.Where(s => s.IncarnationId == incarnation && s.Subject == subject && s.Id == id).DeleteAsync(cancellationToken) == 0)
        {
            return;
        }

        var left = await Db.SetAside.CountAsync(s => s.IncarnationId == incarnation, cancellationToken);
        await Db.Hosts.Where(h => h.Id == host.Id).Set(h => h.SetAside, left).UpdateAsync(cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.HostReportTaken,
            EventLevel.Info,
            $"What host {host.Name} ({host.Id}) says of {DescribeSubject(subject, id)} could be taken",
            ResourceTypes.Host,
            host.Id.Value,
            host.Name,
            cancellationToken);
    }

    /// <summary>Takes what a host says about an item.</summary>
    public async Task ObserveAsync(HostRow host, IncarnationId incarnation, ItemReport report, CancellationToken cancellationToken)
    {
        var item = await Db.HostItems.FirstOrDefaultAsync(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id, cancellationToken);
        if (item is null)
        {
            if (!IsAbsent(report))
            {
                Db.AfterCommit(() => LogUnknownItem(host.Name, incarnation, report.Kind, report.Id));
            }

            return;
        }

        var isConfirmedAbsent = item.Desired == Desired.Absent && report.Generation >= item.Generation && IsAbsent(report);
        if (isConfirmedAbsent)
        {
            await Db.HostItems.Where(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id).DeleteAsync(cancellationToken);
        }
        else
        {
            await Db.HostItems.Where(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id)
                .Set(i => i.ObservedGeneration, report.Generation)
                .Set(i => i.Observed, JsonSerializer.Serialize(report.Task is { Listing: not null } task ? report with { Task = task with { Listing = null } } : report, HostJson.Default.ItemReport))
                .Set(i => i.Reported, Now)
                .UpdateAsync(cancellationToken);
        }

        foreach (var observer in Turn.Parts<IItemObserver>())
        {
            await observer.ObserveAsync(new ObservedItem(host, item, report, isConfirmedAbsent), cancellationToken);
        }
    }

    private static bool IsAbsent(ItemReport report) => report switch
    {
        { Binding: { } binding } => binding.State == BindingState.Absent,
        { Machine: { } machine } => machine.State == MachineState.Absent,
        { Task: { } task } => task.State == TaskState.Absent,
        _ => false,
    };

    [LoggerMessage(EventId = 2111, Level = LogLevel.Warning, Message = "Host {Host} ({IncarnationId}) reports {Kind} {Id}, which it was never given or has given up; nothing is changed")]
    private partial void LogUnknownItem(string host, IncarnationId incarnationId, Holdfast.Protocol.Host.ItemKind kind, Guid id);

    [LoggerMessage(EventId = 2113, Level = LogLevel.Error, Message = "What host {Host} ({HostId}) says of {Subject} {Id} is not taken and is set aside: {Why}")]
    private partial void LogSetAside(string host, HostId hostId, ReportSubject subject, Guid id, string why);
}
