using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Volumes with the content of a sealed one.</summary>
internal static class CloneCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        Case("A clone has its source's content and at least its size", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var clone = NewVolume();
            var reply = (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            Must(reply.Outcome == DriverOutcome.Done && reply.Volume.SizeBytes >= run.Size && !reply.Volume.Sealed, $"the answer is {reply}");
            if (run.Target.HasContent)
            {
                await run.ExpectAsync(clone, 0x5A);
            }
        }),
        Case("Making a clone twice is already so", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var clone = NewVolume();
            (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            var again = (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            Must(again.Outcome == DriverOutcome.AlreadySo, $"the outcome is {again.Outcome}");
        }),
        Case("A clone may be bigger than its source", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var clone = NewVolume();
            var reply = (await run.Client.EnsureAsync(clone, 1, run.Size * 3, new VolumeSource.FromVolume(template))).Ok();
            Must(reply.Volume.SizeBytes >= run.Size * 3, $"it has {reply.Volume.SizeBytes} bytes");
            if (run.Target.HasContent)
            {
                var attachment = (await run.Client.AttachAsync(clone, 1)).Ok();
                Must(await DiskContent.LengthAsync(attachment.Source) >= run.Size * 3, "the disk that is handed out is smaller");
                await DiskContent.ExpectAsync(attachment.Source, 0x5A);
            }
        }),
        Case("A clone that is smaller than its source is invalid", async run =>
        {
            var template = await run.VolumeAsync(run.Size * 2);
            (await run.Client.SealAsync(template, 1)).Ok();
            var clone = NewVolume();
            (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Fails(DriverErrorCode.Invalid);
            (await run.Client.GetAsync(clone)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A clone of a volume that is not sealed is invalid", async run =>
        {
            var source = await run.VolumeAsync();
            var clone = NewVolume();
            (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(source))).Fails(DriverErrorCode.Invalid);
            (await run.Client.GetAsync(clone)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A clone of an absent volume is not-found", async run =>
        {
            var clone = NewVolume();
            (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(NewVolume()))).Fails(DriverErrorCode.NotFound);
            (await run.Client.GetAsync(clone)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A volume cannot be its own source", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 1, run.Size, new VolumeSource.FromVolume(volume))).Fails(DriverErrorCode.Invalid);
        }),
        Case("Clones are independent of each other and of their source", async run =>
        {
            Needs(run.Target.HasContent, "content cannot be looked at here");
            var template = await run.TemplateAsync(0x5A);
            var (one, two) = (NewVolume(), NewVolume());
            (await run.Client.EnsureAsync(one, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            (await run.Client.EnsureAsync(two, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            await run.FillAsync(one, 0x01);
            await run.FillAsync(two, 0x02);
            await run.ExpectAsync(one, 0x01);
            await run.ExpectAsync(two, 0x02);
            var source = (await run.Client.AttachAsync(template, 1, AttachMode.Copy, readOnly: true)).Ok();
            await DiskContent.ExpectAsync(source.Source, 0x5A);
        }),
        Case("A source with clones is deleted without harm to them, or not at all", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var clone = NewVolume();
            (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            var deleted = await run.Client.DeleteAsync(template, 1);
            if (deleted.Error is not null)
            {
                deleted.Fails(DriverErrorCode.Busy);
                Must((await run.Client.GetAsync(template)).Ok().Volume.Sealed, "the source is not sealed any more");
                var another = NewVolume();
                (await run.Client.EnsureAsync(another, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
                (await run.Client.DeleteAsync(another, 1)).Ok();
            }

            if (run.Target.HasContent)
            {
                await run.ExpectAsync(clone, 0x5A);
            }

            (await run.Client.DeleteAsync(clone, 1)).Ok();
            (await run.Client.DeleteAsync(template, 1)).Ok();
            (await run.Client.GetAsync(template)).Fails(DriverErrorCode.NotFound);
        }),
        Case("A clone can be sealed and cloned again", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var (middle, last) = (NewVolume(), NewVolume());
            (await run.Client.EnsureAsync(middle, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();
            if (run.Target.HasContent)
            {
                await run.FillAsync(middle, 0x66, offset: 1024 * 1024);
            }

            (await run.Client.SealAsync(middle, 1)).Ok();
            (await run.Client.EnsureAsync(last, 1, run.Size, new VolumeSource.FromVolume(middle))).Ok();
            if (run.Target.HasContent)
            {
                await run.ExpectAsync(last, 0x5A);
                await run.ExpectAsync(last, 0x66, offset: 1024 * 1024);
            }
        }),
        Case("Many clones at once of one source all come out right", async run =>
        {
            var template = await run.TemplateAsync(0x5A);
            var clones = Enumerable.Range(0, 8).Select(_ => NewVolume()).ToList();
            var replies = await Task.WhenAll(clones.Select(clone => run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))));
            foreach (var reply in replies)
            {
                reply.Ok();
            }

            if (run.Target.HasContent)
            {
                await run.ExpectAsync(clones[^1], 0x5A);
            }
        }),
    ];

    private static ConformanceCase Case(string name, Func<ConformanceRun, Task> body) => new(name, async run =>
    {
        Needs(run.Info.Capabilities.CanClone, "the driver does not clone");
        await body(run);
    });
}
