using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>Attaching, releasing, and what is really there.</summary>
internal static class AttachmentCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("Nothing is attached on a new pool", async run => Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "something is")),
        new("Attach hands out a disk that can be opened", async run =>
        {
            var volume = await run.VolumeAsync();
            var reply = (await run.Client.AttachAsync(volume, 1)).Ok();
            Must(reply.Outcome == DriverOutcome.Done, $"the outcome is {reply.Outcome}");
            Must(reply.SizeBytes >= run.Size, $"it has {reply.SizeBytes} bytes");
            Must(reply.BackendName == (await run.Client.GetAsync(volume)).Ok().Volume.BackendName, "it has another name than get tells");
            if (reply.Source is DiskSource.File file)
            {
                Must(File.Exists(file.Path) && Path.IsPathFullyQualified(file.Path), $"'{file.Path}' is no file");
            }

            if (run.Target.HasContent)
            {
                Must(await DiskContent.LengthAsync(reply.Source) >= run.Size, "the disk is smaller than the volume");
                await DiskContent.WriteAsync(reply.Source, 0x77);
                await DiskContent.ExpectAsync(reply.Source, 0x77);
            }
        }),
        new("A new volume reads as zeroes", async run =>
        {
            Needs(run.Target.HasContent, "content cannot be looked at here");
            await run.ExpectAsync(await run.VolumeAsync(), 0);
        }),
        new("Attach twice is already so with the same disk", async run =>
        {
            var volume = await run.VolumeAsync();
            var first = (await run.Client.AttachAsync(volume, 1)).Ok();
            var second = (await run.Client.AttachAsync(volume, 1)).Ok();
            Must(second.Outcome == DriverOutcome.AlreadySo, $"the second outcome is {second.Outcome}");
            Must(SourceText(first.Source) == SourceText(second.Source), "the second disk is another one");
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count(one => one.VolumeId == volume) == 1, "it is listed more than once");
        }),
        new("The inventory lists what is attached, and only that", async run =>
        {
            var attached = await run.VolumeAsync();
            await run.VolumeAsync();
            var reply = (await run.Client.AttachAsync(attached, 1)).Ok();
            var list = (await run.Client.AttachmentsAsync()).Ok().Attachments;
            Must(list.Count == 1 && list[0].VolumeId == attached, $"the list is {string.Join(", ", list)}");
            Must(list[0].BackendName == reply.BackendName, "it has another name than attach told");
            Must(list[0].Mode == AttachMode.Run, $"it does not tell what it is attached for: {list[0].Mode}");
            Must(list[0].Generation == Generation.First, $"it does not tell the generation it was attached with: {list[0].Generation}");
        }),
        new("A released volume is no longer listed", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            Must((await run.Client.ReleaseAsync(volume, 1)).Ok().Outcome == DriverOutcome.Done, "the outcome is not done");
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is still listed");
        }),
        new("Release twice is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            Must((await run.Client.ReleaseAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "the second outcome is not already-so");
        }),
        new("Releasing what was never attached is already so", async run =>
        {
            var volume = await run.VolumeAsync();
            Must((await run.Client.ReleaseAsync(volume, 1)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not");
        }),
        new("Releasing an absent volume is already so", async run =>
            Must((await run.Client.ReleaseAsync(NewVolume(), 1)).Ok().Outcome == DriverOutcome.AlreadySo, "it is not")),
        new("Attaching an absent volume is not-found", async run => (await run.Client.AttachAsync(NewVolume(), 1)).Fails(DriverErrorCode.NotFound)),
        new("Attaching with an older generation is invalid", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 3, run.Size)).Ok();
            (await run.Client.AttachAsync(volume, 2)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is attached all the same");
        }),
        new("Attaching with a newer generation than recorded is invalid", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 2)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is attached all the same");
        }),
        new("A release that is older than the attachment is invalid and releases nothing", async run =>
        {
            var volume = NewVolume();
            (await run.Client.EnsureAsync(volume, 2, run.Size)).Ok();
            (await run.Client.AttachAsync(volume, 2)).Ok();
            (await run.Client.ReleaseAsync(volume, 1)).Fails(DriverErrorCode.Invalid);
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 1, "it is not attached any more");
        }),
        new("A volume that grew while attached is released with the generation of its attachment", async run =>
        {
            Needs(run.Info.Capabilities.CanResize, "the driver does not resize");
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is still listed");
        }),
        new("A volume grows while its disk is open, or as soon as it is told to", async run =>
        {
            Needs(run.Info.Capabilities.CanResize && run.Target.HasContent, "the driver does not resize, or content cannot be looked at here");
            var volume = await run.VolumeAsync();
            var attachment = (await run.Client.AttachAsync(volume, 1)).Ok();
            await using (await DiskContent.HoldAsync(attachment.Source))
            {
                var reply = (await run.Client.ResizeAsync(volume, 2, run.Size * 2)).Ok();
                Must(reply.Volume.SizeBytes >= run.Size * 2, $"the answer is {reply}");
                Must(
                    reply.GuestMustGrow || await DiskContent.LengthAsync(attachment.Source) >= run.Size * 2,
                    "the disk has not grown, and the answer does not say that its user must make it grow");
            }

            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            var next = (await run.Client.AttachAsync(volume, 2)).Ok();
            Must(await DiskContent.LengthAsync(next.Source) >= run.Size * 2, "the disk has not grown at the next attach");
        }),
        new("An attached volume is not deleted, or is gone altogether", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            var deleted = await run.Client.DeleteAsync(volume, 1);
            if (deleted.Error is null)
            {
                (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.NotFound);
            }
            else
            {
                deleted.Fails(DriverErrorCode.Busy);
                (await run.Client.GetAsync(volume)).Ok();
                (await run.Client.ReleaseAsync(volume, 1)).Ok();
                (await run.Client.DeleteAsync(volume, 1)).Ok();
            }
        }),
        new("A disk that is open is listed as in use and not released", async run =>
        {
            Needs(run.Target is { HasContent: true, SeesOpenDisks: true }, "the driver does not see who has its disks open");
            var volume = await run.VolumeAsync();
            var attachment = (await run.Client.AttachAsync(volume, 1)).Ok();
            Must(Single(await run.Client.AttachmentsAsync(), volume).InUse is false or null, "it is in use before anybody opened it");
            await using (await DiskContent.HoldAsync(attachment.Source))
            {
                Must(Single(await run.Client.AttachmentsAsync(), volume).InUse is true or null, "it is not in use while it is open");
                (await run.Client.ReleaseAsync(volume, 1)).Fails(DriverErrorCode.Busy);
                (await run.Client.DeleteAsync(volume, 1)).Fails(DriverErrorCode.Busy);
                Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 1, "it is not listed any more");
            }

            (await run.Client.ReleaseAsync(volume, 1)).Ok();
        }),
        new("A sealed volume is attached read-only and not otherwise", async run =>
        {
            var volume = await run.TemplateAsync(0x21);
            (await run.Client.AttachAsync(volume, 1)).Fails(DriverErrorCode.Invalid);
            var reply = (await run.Client.AttachAsync(volume, 1, AttachMode.Copy, readOnly: true)).Ok();
            if (run.Target.HasContent)
            {
                await DiskContent.ExpectAsync(reply.Source, 0x21);
            }

            (await run.Client.ReleaseAsync(volume, 1, AttachMode.Copy)).Ok();
        }),
        new("What is copied in is what a guest will see", async run =>
        {
            Needs(run.Target.HasContent, "content cannot be looked at here");
            var volume = await run.VolumeAsync();
            await run.FillAsync(volume, 0x33);
            var reply = (await run.Client.AttachAsync(volume, 1)).Ok();
            await DiskContent.ExpectAsync(reply.Source, 0x33);
        }),
        new("The target of a migration is attached and released like a guest's disk", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1, AttachMode.MigrateIn)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 1, "it is not listed");
            (await run.Client.ReleaseAsync(volume, 1, AttachMode.MigrateIn)).Ok();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is still listed");
        }),
        new("The inventory survives the driver's end", async run =>
        {
            var volume = await run.VolumeAsync();
            (await run.Client.AttachAsync(volume, 1)).Ok();
            await run.CrashAsync();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Any(one => one.VolumeId == volume), "it is not listed any more");
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            await run.CrashAsync();
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "it is listed again");
        }),
        new("The guests' user can open what is attached, and only while it is", async run =>
        {
            Needs(run.Startup.GuestUser is { UserId: not 0 } && Environment.UserName == "root", "guests run as root here, or this is not root");
            var guest = run.Startup.GuestUser!;
            var volume = await run.VolumeAsync();
            var reply = (await run.Client.AttachAsync(volume, 1)).Ok();
            var path = reply.Source switch { DiskSource.File file => file.Path, DiskSource.Block block => block.Path, _ => throw new SkipException("a network disk has no path") };
            Must(await CanOpenAsync(guest, path), $"user {guest.UserId} cannot open '{path}'");
            (await run.Client.ReleaseAsync(volume, 1)).Ok();
            Must(!File.Exists(path) || !await CanOpenAsync(guest, path), $"user {guest.UserId} can still open '{path}'");
        }),
    ];

    private static AttachmentInfo Single(DriverAnswer<AttachmentList> answer, VolumeId volume) =>
        answer.Ok().Attachments.SingleOrDefault(one => one.VolumeId == volume) ?? throw new ConformanceException("it is not listed once");

    private static string SourceText(DiskSource source) =>
        System.Text.Json.JsonSerializer.Serialize(source, Holdfast.Protocol.DriverJson.Default.DiskSource);

    private static async Task<bool> CanOpenAsync(GuestUser guest, string path)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "setpriv",
            [$"--reuid={guest.UserId}", $"--regid={guest.GroupId}", "--clear-groups", "dd", $"if={path}", $"of={path}", "bs=1", "count=0", "conv=notrunc"])
        {
            RedirectStandardError = true,
        })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
