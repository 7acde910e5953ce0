using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Cutting I/O off, and letting it go on.</summary>
internal static class CutCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("Cutting off what is not attached is not-found, or unsupported", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.CutAsync(volume, 1)).Fails(Missing(await CanCutAsync(run)));
            (await run.Client.CutAsync(NewVolume(), 1)).Fails(Missing(await CanCutAsync(run)));
        }),
        new("A cut is done when info says that it can be had, and else unsupported", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            var canCut = await CanCutAsync(run);
            var cut = await run.Client.CutAsync(volume, 1);
            if (canCut)
            {
                Must(cut.Ok().Outcome == DriverOutcome.Done, $"the outcome is {cut.Value!.Outcome}");
            }
            else
            {
                cut.Fails(DriverErrorCode.Unsupported);
                Must((await run.Client.AttachAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not attached any more, though nothing was cut off");
            }
        }),
        Case("A cut that is older than the attachment is invalid and cuts nothing", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 2, run.Size)).Ok();
            (await run.Client.AttachAsync(volume, 2)).Ok();
            (await run.Client.CutAsync(volume, 1)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.AttachAsync(volume, 2)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not attached any more");
        }),
        Case("Cutting off twice is already so", async run =>
        {
            var volume = await CutAsync(run);
            Must((await run.Client.CutAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
            await run.CrashAsync();
            Must((await run.Client.CutAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the outcome after the driver's end is not already-so");
        }),
        Case("What was cut off is listed, and not attached again before it was released", async run =>
        {
            var volume = await CutAsync(run);
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Any(one => one.VolumeId == volume), "it is not listed");
            (await run.Client.AttachAsync(volume, 1)).Fails(DriverErrorCode.Busy);
            await run.CrashAsync();
            (await run.Client.AttachAsync(volume, 1)).Fails(DriverErrorCode.Busy);
            Must((await run.Client.ReleaseAsync(volume, 1)).Ok().Outcome == DriverOutcome.Done, "it is not released");
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is still listed");
            (await run.Client.AttachAsync(volume, 1)).Ok();
        }),
        Case("A cut takes nothing from what was written before", async run =>
        {
            Needs(run.Target.HasContent, "content cannot be looked at here");
            var volume = await run.VolumeAsync();
            await run.FillAsync(volume, 0x44);
            (await run.Client.AttachAsync(volume, 1)).Ok();
            (await run.Client.CutAsync(volume, 1)).Ok();
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            await run.ExpectAsync(volume, 0x44);
        }),
        new("Resuming what does not wait is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            Must((await run.Client.ResumeAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the outcome is not already-so");
            var info = (await run.Client.AttachmentsAsync()).Ok().Attachments.Single(one => one.VolumeId == volume);
            Must(info is { Waiting: null, CanResume: false }, $"it is said to wait: {info.Waiting}");
            Must((await run.Client.ProbeAsync()).Ok().Waiting.Count == 0, "the status says that something waits");
        }),
    ];

    private static ConformanceCase Case(string name, Func<ConformanceRun, Task> body) => new(name, async run =>
    {
        Needs(await CanCutAsync(run), "the driver cannot cut off");
        await body(run);
    });

    /// <summary>What the driver can do with this backend, once it has seen it.</summary>
    private static async Task<bool> CanCutAsync(ConformanceRun run)
    {
        await run.ReachedAsync();
        return (await run.Client.InfoAsync()).Ok().Capabilities.CanCut;
    }

    private static DriverErrorCode[] Missing(bool canCut) => canCut ? [DriverErrorCode.NotFound] : [DriverErrorCode.NotFound, DriverErrorCode.Unsupported];

    private static async Task<VolumeId> CutAsync(ConformanceRun run)
    {
        var volume = await run.VolumeAsync();
        (await run.Client.AttachAsync(volume, 1)).Ok();
        Must((await run.Client.CutAsync(volume, 1)).Ok().Outcome == DriverOutcome.Done, "the first outcome is not done");
        return volume;
    }
}
