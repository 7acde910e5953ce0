using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>A driver is killed in the middle of a call at various moments; after its restart the same call ends well.</summary>
internal static class CrashCases
{
    private static readonly int[] Moments = [0, 1, 3, 7, 15, 30];

    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("Killed while making a volume: the same call makes it whole", run => AtMomentsAsync(run, async (_, kill) =>
        {
            var volume = NewVolume();
            await kill(() => run.Client.EnsureAsync(volume, 1, run.Size));
            var reply = (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
            Must(reply.Volume.SizeBytes >= run.Size, $"it is {reply.Volume}");
            Must((await run.Client.VolumesAsync()).Ok().Volumes.Count(one => one.VolumeId == volume) == 1, "it is not listed once");
            await LooksWholeAsync(run, volume, run.Size);
        })),
        new("Killed while making a clone: the same call makes it whole", async run =>
        {
            Needs(run.Info.Capabilities.CanClone, "the driver does not clone");
            var template = await run.TemplateAsync(0x5A);
            await AtMomentsAsync(run, async (_, kill) =>
            {
                var clone = NewVolume();
                await kill(() => run.Client.EnsureAsync(clone, 1, run.Size * 2, new VolumeSource.FromVolume(template)));
                (await run.Client.EnsureAsync(clone, 1, run.Size * 2, new VolumeSource.FromVolume(template))).Ok();
                await LooksWholeAsync(run, clone, run.Size * 2, 0x5A);
            });
        }),
        new("Killed while deleting: the same call makes it go", run => AtMomentsAsync(run, async (_, kill) =>
        {
            var volume = await run.VolumeAsync();
            await kill(() => run.Client.DeleteAsync(volume, 1));
            (await run.Client.DeleteAsync(volume, 1)).Ok();
            (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
            Must((await run.Client.VolumesAsync()).Ok().Volumes.All(one => one.VolumeId != volume), "it is still listed");
        })),
        new("Killed while growing: the same call makes it grow", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            await AtMomentsAsync(run, async (_, kill) =>
            {
                var volume = await run.VolumeAsync();
                await kill(() => run.Client.ResizeAsync(volume, 2, run.Size * 2));
                Must((await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok().Volume.SizeBytes >= run.Size * 2, "it has not grown");
                await LooksWholeAsync(run, volume, run.Size * 2, generation: 2);
            });
        }),
        new("Killed while sealing: the same call seals", run => AtMomentsAsync(run, async (_, kill) =>
        {
            var volume = await run.VolumeAsync();
            await kill(() => run.Client.SealAsync(volume, 1));
            Must((await run.Client.SealAsync(volume, 1)).Ok().Volume.Sealed, "it is not sealed");
            Must((await run.Client.GetAsync(volume)).Ok().Volume.Sealed, "get tells that it is not sealed");
        })),
        new("Killed while attaching: the same call attaches, and the inventory knew it or did not", run => AtMomentsAsync(run, async (_, kill) =>
        {
            var volume = await run.VolumeAsync();
            await kill(() => run.Client.AttachAsync(volume, 1));
            (await run.Client.AttachmentsAsync()).Ok();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count(one => one.VolumeId == volume) == 1, "it is not listed once");
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
        })),
        new("Killed while releasing: the same call releases", run => AtMomentsAsync(run, async (_, kill) =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            await kill(() => run.Client.ReleaseAsync(volume, 1));
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.All(one => one.VolumeId != volume), "it is still listed");
        })),
        new("Killed while taking a snapshot: the same call takes it", async run =>
        {
            Needs(run.Info.Capabilities.CanSnapshot, "the driver has no snapshots");
            await AtMomentsAsync(run, async (_, kill) =>
            {
                var volume = await run.VolumeAsync();
                var snapshot = NewSnapshot();
                await kill(() => run.Client.SnapshotAsync(volume, snapshot, 1));
                (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
                (await run.Client.RevertAsync(volume, snapshot, 1)).Ok();
            });
        }),
        new("Killed while putting a volume back: the same call puts it back whole", async run =>
        {
            Needs(run.Info.Capabilities is { CanSnapshot: true, CanResize: true }, "the driver has no snapshots, or does not resize");
            await AtMomentsAsync(run, async (_, kill) =>
            {
                var volume = await run.VolumeAsync();
                var snapshot = NewSnapshot();
                await run.FillWhereSeenAsync(volume, 0x01);
                (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
                await run.FillWhereSeenAsync(volume, 0x02);
                (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
                await kill(() => run.Client.RevertAsync(volume, snapshot, 3));
                var reverted = await run.Client.RevertAsync(volume, snapshot, 3);
                if (reverted.Error is not null)
                {
                    reverted.Fails(DriverErrorCode.Unsupported);
                    return;
                }

                Must((await run.Client.GetAsync(volume)).Ok().Volume.Generation.Value == 3, "its generation is not the revert's");
                await LooksWholeAsync(run, volume, run.Size * 2, 0x01, generation: 3);
            });
        }),
        new("An agent that goes away in the middle of a call leaves a call that can be repeated", async run =>
        {
            foreach (var moment in Moments)
            {
                var volume = NewVolume();
                var call = SwallowAsync(() => run.Client.EnsureAsync(volume, 1, run.Size));
                await Task.Delay(moment);
                await run.Process.CloseAsync(run.CancellationToken);
                await call;
                await run.StartAsync();
                (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
            }
        }),
    ];

    private static async Task AtMomentsAsync(ConformanceRun run, Func<int, Func<Func<Task>, Task>, Task> round)
    {
        foreach (var moment in Moments)
        {
            await round(moment, async begin =>
            {
                var call = SwallowAsync(begin);
                await Task.Delay(moment);
                await run.CrashAsync();
                await call;
            });
        }
    }

    private static async Task LooksWholeAsync(ConformanceRun run, VolumeId volume, long size, byte pattern = 0, long generation = 1)
    {
        if (run.Target.HasContent)
        {
            var attachment = (await run.Client.AttachAsync(volume, generation)).Ok();
            Must(await DiskContent.LengthAsync(attachment.Source) >= size, "the disk that is handed out is smaller");
            await DiskContent.ExpectAsync(attachment.Source, pattern);
            (await run.Client.ReleaseAsync(volume, generation)).Ok();
        }
    }

    /// <summary>The call's connection breaks when the driver is killed; that is what an agent sees, too.</summary>
    private static async Task SwallowAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (HttpRequestException)
        {
        }
    }
}
