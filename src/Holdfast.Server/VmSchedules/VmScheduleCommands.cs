using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.VmSchedules;

/// <summary>Commands about schedules of VMs.</summary>
internal static class VmScheduleCommands
{
    private const string Key = "vmschedule";

    private static readonly ValueParameter<VmId> Vm = Id<VmId>("virtualmachineid", "the id of the VM", required: true);
    private static readonly TextParameter Description = Text("description", "the description of the schedule");
    private static readonly TextParameter Schedule = Text("schedule", "when: five fields of cron (minute, hour, day of the month, month, day of the week)", required: true);
    private static readonly TextParameter TimeZone = Text("timezone", "the time zone of the schedule by its IANA name, as UTC or Europe/Zurich; its daylight saving counts", required: true);
    private static readonly TextParameter Action = Text("action", $"what is done: {ScheduledActions.Names}", required: true);
    private static readonly ValueParameter<ScheduleDate> StartDate = Date("startdate", "from when on, in the schedule's time zone unless an offset is given; now when not sent");
    private static readonly ValueParameter<ScheduleDate> EndDate = Date("enddate", "until when, in the schedule's time zone unless an offset is given; for ever when not sent");
    private static readonly ValueParameter<bool> Enabled = Bool("enabled", "whether it is followed; true when not sent");

    private static readonly ValueParameter<VmScheduleId> One = Id<VmScheduleId>("id", "the id of the schedule", required: true);
    private static readonly ValueParameter<VmScheduleId> MaybeOne = Id<VmScheduleId>("id", "the id of the schedule");
    private static readonly ListParameter<VmScheduleId> Some = Ids<VmScheduleId>("ids", "the ids of schedules; not together with id");
    private static readonly TextParameter OtherSchedule = Text("schedule", "another time, five fields of cron");
    private static readonly TextParameter OtherTimeZone = Text("timezone", "another time zone");
    private static readonly ValueParameter<bool> OtherEnabled = Bool("enabled", "whether it is followed");
    private static readonly TextParameter FilterAction = Text("action", "what is done");
    private static readonly ValueParameter<bool> FilterEnabled = Bool("enabled", "whether it is followed");

    private static readonly View<VmScheduleRow> View = View<VmScheduleRow>.Build(v => v
        .Id("id", "the id of the schedule", s => s.Id)
        .Id("virtualmachineid", "the id of its VM", s => s.VmId)
        .Text("description", "the description of the schedule", s => s.Description)
        .Text("schedule", "when, in five fields of cron", s => s.Schedule)
        .Text("timezone", "the time zone of the schedule", s => s.TimeZone)
        .Text("action", "what is done", s => ScheduledActions.NameOf(s.Action))
        .Bool("enabled", "whether it is followed", s => s.Enabled)
        .Date("startdate", "from when on", s => s.StartDate)
        .Date("enddate", "until when", s => s.EndDate)
        .Date("next", "when it is due next; missing: never", s => s.Next)
        .Date("created", "when it was made", s => s.Created));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createVMSchedule",
            Description = "Has a VM started, stopped or rebooted by a schedule",
            Roles = Roles.Authenticated,
            Parameters = [Vm, Description, Schedule, TimeZone, Action, StartDate, EndDate, Enabled],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "listVMSchedule",
            Description = "Lists the schedules of a VM",
            Roles = Roles.Authenticated,
            Parameters = [Vm, MaybeOne, FilterAction, FilterEnabled, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "updateVMSchedule",
            Description = "Changes a schedule of a VM, from now on",
            Roles = Roles.Authenticated,
            Parameters = [One, Description, OtherSchedule, OtherTimeZone, StartDate, EndDate, OtherEnabled],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "deleteVMSchedule",
            Description = "Deletes schedules of a VM",
            Roles = Roles.Authenticated,
            Parameters = [Vm, MaybeOne, Some],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
    ];

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var text = call.Require(Action);
        if (ScheduledActions.Find(text) is not { } action)
        {
            return ApiError.InvalidParameter($"Invalid value for action: {text}. It is one of {ScheduledActions.Names}");
        }

        var outcome = await call.Services.Of<IVmScheduleOperations>().CreateAsync(
            call.Caller.ForOperations,
            new CreateVmSchedule
            {
                VmId = call.Require(Vm),
                Description = call.Get(Description),
                Schedule = call.Require(Schedule),
                TimeZone = call.Require(TimeZone),
                Action = action,
                Start = call.Get(StartDate),
                End = call.Get(EndDate),
                Enabled = call.Get(Enabled) ?? true,
            },
            cancellationToken);
        return await outcome.ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var outcome = await call.Services.Of<IVmScheduleOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateVmSchedule
            {
                Id = call.Require(One),
                Description = call.Get(Description),
                Schedule = call.Get(OtherSchedule),
                TimeZone = call.Get(OtherTimeZone),
                Start = call.Get(StartDate),
                End = call.Get(EndDate),
                Enabled = call.Get(OtherEnabled),
            },
            cancellationToken);
        return await outcome.ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        IReadOnlyList<VmScheduleId>? wanted = (call.Get(MaybeOne), call.Get(Some)) switch
        {
            ({ } one, null) => [one],
            (null, { Count: > 0 } some) => some,
            _ => null,
        };
        return wanted is null
            ? ApiError.InvalidParameter($"Either id or ids of {call.Command.Name} must be sent, and not both")
            : (await call.Services.Of<IVmScheduleOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Vm), wanted, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (vm, id, enabled) = (call.Require(Vm), call.Get(MaybeOne), call.Get(FilterEnabled));
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var text = call.Get(FilterAction);
        var action = text is null ? null : ScheduledActions.Find(text);
        if (text is not null && action is null)
        {
            return ApiError.InvalidParameter($"Invalid value for action: {text}. It is one of {ScheduledActions.Names}");
        }

        // Whether the caller may see the VM was asked when its id was read.
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from s in db.VmSchedules
                where s.VmId == vm
                    && (id == null || s.Id == id)
                    && (action == null || s.Action == action)
                    && (enabled == null || s.Enabled == enabled)
                    && (keyword == null || (s.Description != null && s.Description.ToLower().Contains(keyword)))
                orderby s.Created, s.Id
                select s,
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, VmScheduleId id, CancellationToken cancellationToken) =>
        ApiResult.Object(Key, View, await call.Services.Database.ReadAsync((db, ct) => db.VmSchedules.SingleAsync(s => s.Id == id, ct), cancellationToken));

    private static ValueParameter<ScheduleDate> Date(string name, string description) =>
        new(name, "date", description, "a date (yyyy-MM-dd, yyyy-MM-dd HH:mm:ss, or ISO 8601)", ScheduleDate.Read);
}
