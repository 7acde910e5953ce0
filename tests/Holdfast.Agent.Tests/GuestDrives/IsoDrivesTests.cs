using System.Diagnostics;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Ingest;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.GuestDrives;

/// <summary>The real xorriso, in its sandbox.</summary>
public sealed class IsoDrivesTests
{
    private static readonly DriveFile[] Files = [new("openstack/latest/meta_data.json", "{}"u8.ToArray()), new("openstack/latest/user_data", [.. Enumerable.Repeat((byte)7, 1 << 20)])];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_drive_has_the_label_and_the_files_and_only_its_owner_reads_it()
    {
        using var folder = new TempFolder();
        var drives = Drives(folder["a/b"]);

        var path = (await drives.MakeAsync(Samples.Vm, Files, null, Token)).ShouldBeOfType<DriveOutcome.Made>().Path;

        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (File.GetUnixFileMode(folder["a/b"]) & UnixFileMode.OtherExecute).ShouldBe(UnixFileMode.OtherExecute, "QEMU has to pass");
        (File.GetUnixFileMode(folder["a/b"]) & UnixFileMode.OtherRead).ShouldBe(UnixFileMode.None);
        Directory.GetFileSystemEntries(folder["a/b"]).ShouldBe([path], "nothing is left of the making");
        var bytes = await File.ReadAllBytesAsync(path, Token);
        System.Text.Encoding.ASCII.GetString(bytes, 0x8028, 32).Trim().ShouldBe(DriveContent.Label);
        (await ListAsync(path)).Split('\n').Select(l => l.Trim('\'')).ShouldContain("/openstack/latest/user_data");

        // Another start, other content: in its place.
        (await drives.MakeAsync(Samples.Vm, Files[..1], null, Token)).ShouldBeOfType<DriveOutcome.Made>().Path.ShouldBe(path);
        new FileInfo(path).Length.ShouldBeLessThan(1 << 20);

        (await Drives(folder["a/b"]).FindAsync()).ShouldBe([Samples.Vm]);
        await drives.RemoveAsync(Samples.Vm);
        await drives.RemoveAsync(Samples.Vm);
        (await drives.FindAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_made_is_said_and_leaves_nothing()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["file"], "", Token);
        (await Drives(folder["file/below"]).MakeAsync(Samples.Vm, Files, null, Token)).ShouldBeOfType<DriveOutcome.Failed>().Reason.ShouldNotBeEmpty();

        var late = Drives(folder["late"]);
        using var ended = new CancellationTokenSource();
        await ended.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => late.MakeAsync(Samples.Vm, Files, null, ended.Token));
        Directory.GetFileSystemEntries(folder["late"]).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task A_program_that_crashes_now_and_then_is_tried_again(int crashes, bool isMade)
    {
        using var folder = new TempFolder();
        var program = folder["bin/xorriso"];
        Directory.CreateDirectory(folder["bin"]);
        await File.WriteAllTextAsync(
            program, $"#!/bin/sh\necho x >>{folder["tries"]}\n[ $(wc -l <{folder["tries"]}) -le {crashes} ] && echo SIGSEGV >&2 && exit 1\nexec /usr/bin/xorriso \"$@\"\n", Token);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var sandbox = new ImageSandbox(SandboxMode.Limits, folder["drives"], TimeProvider.System) { SearchPath = folder["bin"] + ":/usr/sbin:/usr/bin:/sbin:/bin" };

        var outcome = await new IsoDrives(folder["drives"], sandbox, NullLogger<IsoDrives>.Instance).MakeAsync(Samples.Vm, Files, null, Token);

        if (isMade)
        {
            Directory.GetFileSystemEntries(folder["drives"]).ShouldBe([outcome.ShouldBeOfType<DriveOutcome.Made>().Path]);
        }
        else
        {
            outcome.ShouldBeOfType<DriveOutcome.Failed>().Reason.ShouldContain("SIGSEGV");
            Directory.GetFileSystemEntries(folder["drives"]).ShouldBeEmpty();
        }

        (await File.ReadAllLinesAsync(folder["tries"], Token)).Length.ShouldBe(3);
    }

    [Fact]
    public async Task What_an_earlier_agent_was_at_is_cleared_away()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["drives/work-0-1/tree"]);
        await File.WriteAllTextAsync(folder["drives/not ours.iso"], "", Token);

        (await Drives(folder["drives"]).FindAsync()).ShouldBeEmpty();

        Directory.Exists(folder["drives/work-0-1"]).ShouldBeFalse();
        File.Exists(folder["drives/not ours.iso"]).ShouldBeTrue();
        (await Drives(folder["none"]).FindAsync()).ShouldBeEmpty();
    }

    private static IsoDrives Drives(string folder) => new(folder, SandboxMode.Bubblewrap, TimeProvider.System, NullLogger<IsoDrives>.Instance);

    private static async Task<string> ListAsync(string path)
    {
        using var process = Process.Start(new ProcessStartInfo("xorriso", ["-no_rc", "-indev", path, "-find", "/"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _ = process.StandardError.ReadToEndAsync(Token);
        var listed = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return listed;
    }
}
