using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Snapshots of unused volumes.</summary>
internal static class SnapshotCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("A driver without snapshots says so", async run =>
        {
            Needs(!run.Info.Capabilities.CanSnapshot, "the driver has snapshots");
            var volume = await run.VolumeAsync();
            (await run.Client.SnapshotAsync(volume, NewSnapshot(), 1)).Fails(DriverErrorCode.Unsupported);
        }),
        Case("Making a snapshot twice is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            Must((await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok().Outcome == DriverOutcome.Done, "the first outcome is not done");
            Must((await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
        }),
        Case("A snapshot of an absent volume is not-found", async run =>
            (await run.Client.SnapshotAsync(NewVolume(), NewSnapshot(), 1)).Fails(DriverErrorCode.NotFound)),
        Case("A snapshot with an older generation is invalid", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 3, run.Size)).Ok();
            (await run.Client.SnapshotAsync(volume, NewSnapshot(), 2)).Fails(DriverErrorCode.Invalid);
        }),
        Case("Reverting brings the content of the snapshot back", async run =>
        {
            Needs(run.Target.HasContent, "content cannot be looked at here");
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            await run.FillAsync(volume, 0x01);
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            await run.FillAsync(volume, 0x02);
            (await run.Client.RevertAsync(volume, snapshot, 1)).Ok();
            await run.ExpectAsync(volume, 0x01);
            (await run.Client.RevertAsync(volume, snapshot, 1)).Ok();
            await run.ExpectAsync(volume, 0x01);
        }),
        Case("Reverting to an absent snapshot is not-found", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.RevertAsync(volume, NewSnapshot(), 1)).Fails(DriverErrorCode.NotFound);
        }),
        Case("Reverting an attached volume is busy", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            (await run.Client.RevertAsync(volume, snapshot, 1)).Fails(DriverErrorCode.Busy);
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            (await run.Client.RevertAsync(volume, snapshot, 1)).Ok();
        }),
        Case("A volume that grew after its snapshot keeps its size when put back", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
            var reverted = await run.Client.RevertAsync(volume, snapshot, 2);
            if (reverted.Error is not null)
            {
                reverted.Fails(DriverErrorCode.Unsupported);
            }

            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes >= run.Size * 2, "it has shrunk");
        }),
        Case("A volume that grew and is put back has the newest generation, the size asked for last and the snapshot's content", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            await run.FillWhereSeenAsync(volume, 0x01);
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            await run.FillWhereSeenAsync(volume, 0x02);
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
            var reverted = await run.Client.RevertAsync(volume, snapshot, 3);
            if (reverted.Error is not null)
            {
                reverted.Fails(DriverErrorCode.Unsupported);
                return;
            }

            await run.CrashAsync();
            var info = (await run.Client.GetAsync(volume)).Ok().Volume;
            Must(info.Generation.Value == 3, $"its generation is {info.Generation}");
            Must(info.SizeBytes >= run.Size * 2, $"it has {info.SizeBytes} bytes");
            (await run.Client.AttachAsync(volume, 1)).Fails(DriverErrorCode.Invalid);
            await run.ExpectWhereSeenAsync(volume, 0x01, 3);
            (await run.Client.RevertAsync(volume, snapshot, 2)).Fails(DriverErrorCode.Invalid);
            (await run.Client.DeleteSnapshotAsync(volume, snapshot)).Ok();
            (await run.Client.DeleteAsync(volume, 2)).Fails(DriverErrorCode.Invalid);
            (await run.Client.DeleteAsync(volume, 3)).Ok();
            (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A volume from a snapshot is known to the next driver process, outlives its source and can be deleted", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            await run.FillWhereSeenAsync(volume, 0x01);
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            var copy = NewVolume();
            var source = new VolumeSource.FromSnapshot(volume, snapshot);
            (await run.Client.EnsureAsync(copy, 4, run.Size * 2, source)).Ok();
            await run.CrashAsync();
            var info = (await run.Client.GetAsync(copy)).Ok().Volume;
            Must(info.Generation.Value == 4, $"its generation is {info.Generation}");
            Must(info.SizeBytes >= run.Size * 2, $"it has {info.SizeBytes} bytes");
            Must((await run.Client.EnsureAsync(copy, 4, run.Size * 2, source)).Ok().Outcome == DriverOutcome.AlreadySo, "making it again is not already-so");
            (await run.Client.DeleteSnapshotAsync(volume, snapshot)).Ok();
            (await run.Client.DeleteAsync(volume, 1)).Ok();
            Must((await run.Client.VolumesAsync()).Ok().Volumes.Select(static one => one.VolumeId).SequenceEqual([copy]), "it is not the only volume listed");
            await run.ExpectWhereSeenAsync(copy, 0x01, 4);
            (await run.Client.DeleteAsync(copy, 4)).Ok();
            Must((await run.Client.VolumesAsync()).Ok().Volumes.Count == 0, "it is still listed");
        }),
        Case("Deleting a snapshot twice is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            Must((await run.Client.DeleteSnapshotAsync(volume, snapshot)).Ok().Outcome == DriverOutcome.Done, "the first outcome is not done");
            Must((await run.Client.DeleteSnapshotAsync(volume, snapshot)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
        }),
        Case("Deleting a snapshot of an absent volume is already so", async run =>
            Must((await run.Client.DeleteSnapshotAsync(NewVolume(), NewSnapshot())).Ok().Outcome == DriverOutcome.AlreadySo, "it is not")),
        Case("A volume from a snapshot has the snapshot's content and stands alone", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            if (run.Target.HasContent)
            {
                await run.FillAsync(volume, 0x01);
            }

            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            if (run.Target.HasContent)
            {
                await run.FillAsync(volume, 0x02);
            }

            var copy = NewVolume();
            var source = new VolumeSource.FromSnapshot(volume, snapshot);
            (await run.Client.EnsureAsync(copy, 1, run.Size * 2, source)).Ok();
            Must((await run.Client.EnsureAsync(copy, 1, run.Size * 2, source)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
            if (run.Target.HasContent)
            {
                await run.ExpectAsync(copy, 0x01);
                await run.ExpectAsync(volume, 0x02);
            }
        }),
        Case("A volume from an absent snapshot fails and leaves nothing", async run =>
        {
            var volume = await run.VolumeAsync();
            var copy = NewVolume();
            (await run.Client.EnsureAsync(copy, 1, run.Size, new VolumeSource.FromSnapshot(volume, NewSnapshot()))).Fails(DriverErrorCode.NotFound);
            (await run.Client.GetAsync(copy)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A volume with snapshots can be deleted once they are gone", async run =>
        {
            var volume = await run.VolumeAsync();
            var snapshot = NewSnapshot();
            (await run.Client.SnapshotAsync(volume, snapshot, 1)).Ok();
            var deleted = await run.Client.DeleteAsync(volume, 1);
            if (deleted.Error is not null)
            {
                deleted.Fails(DriverErrorCode.Busy);
                (await run.Client.DeleteSnapshotAsync(volume, snapshot)).Ok();
                (await run.Client.DeleteAsync(volume, 1)).Ok();
            }

            (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
        }),
    ];

    private static ConformanceCase Case(string name, Func<ConformanceRun, Task> body) => new(name, async run =>
    {
        Needs(run.Info.Capabilities.CanSnapshot, "the driver has no snapshots");
        await body(run);
    });
}
