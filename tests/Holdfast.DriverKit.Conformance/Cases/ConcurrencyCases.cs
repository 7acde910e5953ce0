using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Calls at the same time, and calls without time.</summary>
internal static class ConcurrencyCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("The same ensure many times at once makes one volume", async run =>
        {
            var volume = NewVolume();
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => run.Client.EnsureAsync(volume, 1, run.Size)));
            foreach (var busy in answers.Where(static answer => answer.Error is not null))
            {
                busy.Fails(DriverErrorCode.Busy);
            }

            Must(answers.Count(static answer => answer.Value?.Outcome == DriverOutcome.Done) == 1, "not exactly one of them says that it made the volume");
            Must((await run.Client.VolumesAsync()).Ok().Volumes.Count == 1, "there is not one volume");
        }),
        new("Different volumes are made at once", async run =>
        {
            var volumes = Enumerable.Range(0, 10).Select(_ => NewVolume()).ToList();
            foreach (var answer in await Task.WhenAll(volumes.Select(volume => run.Client.EnsureAsync(volume, 1, run.Size))))
            {
                answer.Ok();
            }

            var listed = (await run.Client.VolumesAsync()).Ok().Volumes.Select(static volume => volume.VolumeId).Order(Comparer<Holdfast.Core.Ids.VolumeId>.Create((a, b) => a.Value.CompareTo(b.Value)));
            Must(listed.ToHashSet().SetEquals(volumes), "the list is not those volumes");
        }),
        new("Ensure and delete at once leave the volume whole or gone", async run =>
        {
            for (var round = 0; round < 5; round++)
            {
                var volume = await run.VolumeAsync();
                var ensure = run.Client.EnsureAsync(volume, 1, run.Size);
                var delete = run.Client.DeleteAsync(volume, 1);
                (await ensure).Ok();
                (await delete).Ok();
                var read = await run.Client.GetAsync(volume);
                if (read.Error is not null)
                {
                    read.Fails(DriverErrorCode.NotFound);
                }
                else if (run.Target.HasContent)
                {
                    await run.ExpectAsync(volume, 0);
                }
            }
        }),
        new("Attach and release at once leave the volume attached or not", async run =>
        {
            var volume = await run.VolumeAsync();
            for (var round = 0; round < 5; round++)
            {
                var attach = run.Client.AttachAsync(volume, 1);
                var release = run.Client.ReleaseAsync(volume, 1);
                (await attach).Ok();
                (await release).Ok();
            }

            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is still listed");
        }),
        new("Resizes at once end at the biggest size", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            var answers = await Task.WhenAll(Enumerable.Range(2, 4).Select(factor => run.Client.ResizeAsync(volume, factor, run.Size * factor)));
            foreach (var late in answers.Where(static answer => answer.Error is not null))
            {
                late.Fails(DriverErrorCode.Invalid, DriverErrorCode.Busy);
            }

            answers[^1].Ok();
            Must((await run.Client.GetAsync(volume)).Ok().Volume.SizeBytes >= run.Size * 5, "it has not the biggest size");
        }),
        new("A call without time ends in an answer, and the same call with time ends well", async run =>
        {
            foreach (var milliseconds in new long[] { 1, 2, 5, 10, 20 })
            {
                var volume = NewVolume();
                run.Client.DeadlineMs = milliseconds;
                var answer = await run.Client.EnsureAsync(volume, 1, run.Size);
                if (answer.Error is not null)
                {
                    answer.Fails(DriverErrorCode.Unknown, DriverErrorCode.Busy, DriverErrorCode.Unreachable);
                }

                run.Client.DeadlineMs = (long)run.Target.Deadline.TotalMilliseconds;
                (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();
                (await run.Client.GetAsync(volume)).Ok();
            }
        }),
        new("A delete without time ends in an answer, and the same call with time ends well", async run =>
        {
            foreach (var milliseconds in new long[] { 1, 2, 5, 10 })
            {
                var volume = await run.VolumeAsync();
                run.Client.DeadlineMs = milliseconds;
                var answer = await run.Client.DeleteAsync(volume, 1);
                if (answer.Error is not null)
                {
                    answer.Fails(DriverErrorCode.Unknown, DriverErrorCode.Busy, DriverErrorCode.Unreachable);
                }

                run.Client.DeadlineMs = (long)run.Target.Deadline.TotalMilliseconds;
                (await run.Client.DeleteAsync(volume, 1)).Ok();
                (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
            }
        }),
        new("A flood of calls is answered, each with its value or with busy", async run =>
        {
            var volume = await run.VolumeAsync();
            var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => run.Client.GetAsync(volume)));
            foreach (var busy in answers.Where(static answer => answer.Error is not null))
            {
                busy.Fails(DriverErrorCode.Busy);
            }

            Must(answers.Any(static answer => answer.Value is not null), "all of them were busy");
            (await run.Client.GetAsync(volume)).Ok();
        }),
        new("Status is answered while many calls are under way", async run =>
        {
            var work = Enumerable.Range(0, 30).Select(_ => run.Client.EnsureAsync(NewVolume(), 1, run.Size)).ToList();
            for (var round = 0; round < 10; round++)
            {
                (await run.Client.StatusAsync()).Ok();
                (await run.Client.InfoAsync()).Ok();
            }

            await Task.WhenAll(work);
        }),
    ];
}
