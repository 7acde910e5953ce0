using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Making, reading, growing, sealing and deleting volumes.</summary>
internal static class VolumeCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("A new pool has no volumes", async run => Must((await run.Client.VolumesAsync()).Ok().Volumes.Count == 0, "it has some")),
        new("Ensure makes a volume of at least the size asked for", async run =>
        {
            var volume = NewVolume();
            var reply = (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
            Must(reply.Outcome == DriverOutcome.Done, $"the outcome is {reply.Outcome}");
            Must(reply.Volume.VolumeId == volume, "the answer is about another volume");
            Must(reply.Volume.SizeBytes >= run.Size, $"it has {reply.Volume.SizeBytes} bytes, not {run.Size}");
            Must(reply.Volume.Generation.Value == 1, $"it has generation {reply.Volume.Generation}");
            Must(!reply.Volume.Sealed, "it is sealed");
            Must(reply.Volume.BackendName.Length > 0, "it has no name at the backend");
        }),
        new("A size that is no multiple of anything is rounded up", async run =>
        {
            var reply = (await run.Client.EnsureAsync(NewVolume(), 1, run.Size + 1)).Ok();
            Must(reply.Volume.SizeBytes > run.Size, $"it has {reply.Volume.SizeBytes} bytes");
        }),
        new("Ensure twice with a size that is rounded is already so", async run =>
        {
            var volume = await run.VolumeAsync(run.Size + 1);
            Must((await run.Client.EnsureAsync(volume, 1, run.Size + 1)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not");
        }),
        new("Ensure twice is already so and changes nothing", async run =>
        {
            var volume = NewVolume();
            var first = (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
            var second = (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
            Must(second.Outcome == DriverOutcome.AlreadySo, $"the second outcome is {second.Outcome}");
            Must(second.Volume with { AllocatedBytes = null } == first.Volume with { AllocatedBytes = null }, "the second answer differs");
        }),
        new("Get and list tell what ensure made", async run =>
        {
            var volume = NewVolume();
            var made = (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok().Volume with { AllocatedBytes = null };
            var read = (await run.Client.GetAsync(volume)).Ok();
            Must(read.Outcome == DriverOutcome.AlreadySo, $"the outcome of get is {read.Outcome}");
            Must(read.Volume with { AllocatedBytes = null } == made, "get tells something else");
            var listed = (await run.Client.VolumesAsync()).Ok().Volumes;
            Must(listed.Count == 1 && listed[0] with { AllocatedBytes = null } == made, "list tells something else");
        }),
        new("Getting an absent volume is not-found", async run => (await run.Client.GetAsync(NewVolume())).Fails(DriverErrorCode.NotFound)),
        new("The same generation with another size is invalid and changes nothing", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.EnsureAsync(volume, 1, run.Size * 2)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes < run.Size * 2, "it has grown");
        }),
        new("The same generation with another source is invalid", async run =>
        {
            Needs(run.Info.Capabilities.CanClone, "the driver does not clone");
            var template = await run.TemplateAsync(0x11);
            var volume = await run.VolumeAsync();
            (await run.Client.EnsureAsync(volume, 1, run.Size, new VolumeSource.FromVolume(template))).Fails(DriverErrorCode.Invalid);
        }),
        new("An older generation is invalid and changes nothing", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 5, run.Size)).Ok();
            (await run.Client.EnsureAsync(volume, 4, run.Size)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.GetAsync(volume)).Ok().Volume.Generation.Value == 5, "the recorded generation has changed");
        }),
        new("A newer generation is recorded", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.EnsureAsync(volume, 7, run.Size)).Ok();
            Must((await run.Client.GetAsync(volume)).Ok().Volume.Generation.Value == 7, "it is not recorded");
            (await run.Client.EnsureAsync(volume, 1, run.Size)).Fails(DriverErrorCode.Invalid);
        }),
        new("A newer generation with a bigger size grows the volume", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            var grown = (await run.Client.EnsureAsync(volume, 2, run.Size * 2)).Ok();
            Must(grown.Volume.SizeBytes >= run.Size * 2 && grown.Volume.Generation.Value == 2, $"it is {grown.Volume}");
        }),
        new("A newer generation with a smaller size is invalid", async run =>
        {
            var volume = await run.VolumeAsync(run.Size * 2);
            (await run.Client.EnsureAsync(volume, 2, run.Size)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes >= run.Size * 2, "it has shrunk");
        }),
        new("Delete makes a volume go", async run =>
        {
            var volume = await run.VolumeAsync();
            var other = await run.VolumeAsync();
            Must((await run.Client.DeleteAsync(volume, 1)).Ok().Outcome == DriverOutcome.Done, "the outcome is not done");
            (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
            var left = (await run.Client.VolumesAsync()).Ok().Volumes;
            Must(left.Count == 1 && left[0].VolumeId == other, "the list is not the other volume alone");
        }),
        new("Delete twice is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.DeleteAsync(volume, 1)).Ok();
            Must((await run.Client.DeleteAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
        }),
        new("Deleting what never was is already so", async run =>
            Must((await run.Client.DeleteAsync(NewVolume(), 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the outcome is not already-so")),
        new("Deleting with an older generation is invalid and deletes nothing", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 3, run.Size)).Ok();
            (await run.Client.DeleteAsync(volume, 2)).Fails(DriverErrorCode.Invalid);
            (await run.Client.GetAsync(volume)).Ok();
        }),
        new("Deleting with a newer generation deletes", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.DeleteAsync(volume, 9)).Ok();
            (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
        }),
        new("A deleted volume can be made again", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.DeleteAsync(volume, 1)).Ok();
            Must((await run.Client.EnsureAsync(volume, 2, run.Size)).Ok().Outcome == DriverOutcome.Done, "the outcome is not done");
        }),
        new("Resize grows, and the content stays", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            if (run.Target.HasContent)
            {
                await run.FillAsync(volume, 0x42);
            }

            var reply = (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
            Must(reply.Outcome == DriverOutcome.Done && reply.Volume.SizeBytes >= run.Size * 2, $"the answer is {reply}");
            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes >= run.Size * 2, "get tells another size");
            if (run.Target.HasContent)
            {
                await run.ExpectAsync(volume, 0x42, generation: 2);
                var attachment = (await run.Client.AttachAsync(volume, 2)).Ok();
                Must(await DiskContent.LengthAsync(attachment.Source) >= run.Size * 2, "the disk that is handed out has not grown");
            }
        }),
        new("Resize twice is already so", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
            Must((await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
        }),
        new("Shrinking is invalid and changes nothing", async run =>
        {
            var volume = await run.VolumeAsync(run.Size * 2);
            (await run.Client.ResizeAsync(volume, 2, run.Size)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes >= run.Size * 2, "it has shrunk");
        }),
        new("Resizing with an older generation is invalid", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 3, run.Size)).Ok();
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Fails(DriverErrorCode.Invalid);
        }),
        new("Resizing an absent volume is not-found", async run =>
            (await run.Client.ResizeAsync(NewVolume(), 1, run.Size)).Fails(DriverErrorCode.NotFound)),
        new("Sealing twice is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            var first = (await run.Client.SealAsync(volume, 1)).Ok();
            Must(first.Outcome == DriverOutcome.Done && first.Volume.Sealed, $"the first answer is {first}");
            var second = (await run.Client.SealAsync(volume, 1)).Ok();
            Must(second.Outcome == DriverOutcome.AlreadySo && second.Volume.Sealed, $"the second answer is {second}");
            Must((await run.Client.GetAsync(volume)).Ok().Volume.Sealed, "get tells that it is not sealed");
        }),
        new("Ensuring a sealed volume again is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.SealAsync(volume, 1)).Ok();
            Must((await run.Client.EnsureAsync(volume, 1, run.Size)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not");
        }),
        new("Sealing an absent volume is not-found", async run => (await run.Client.SealAsync(NewVolume(), 1)).Fails(DriverErrorCode.NotFound)),
        new("Sealing with an older generation is invalid", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 3, run.Size)).Ok();
            (await run.Client.SealAsync(volume, 2)).Fails(DriverErrorCode.Invalid);
            Must(!(await run.Client.GetAsync(volume)).Ok().Volume.Sealed, "it is sealed");
        }),
        new("A sealed volume does not grow", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.SealAsync(volume, 1)).Ok();
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Fails(DriverErrorCode.Invalid, DriverErrorCode.Unsupported);
        }),
        new("A volume that is attached for writing is not sealed", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            (await run.Client.SealAsync(volume, 1)).Fails(DriverErrorCode.Busy);
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            (await run.Client.SealAsync(volume, 1)).Ok();
        }),
        new("Volumes survive the driver's end", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 4, run.Size)).Ok();
            (await run.Client.SealAsync(volume, 4)).Ok();
            await run.CrashAsync();
            var read = (await run.Client.GetAsync(volume)).Ok().Volume;
            Must(read.Generation.Value == 4 && read.Sealed && read.SizeBytes >= run.Size, $"it is {read}");
        }),
    ];
}
