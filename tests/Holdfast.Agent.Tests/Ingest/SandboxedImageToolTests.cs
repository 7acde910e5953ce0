using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

/// <summary>The real qemu-img, in its sandbox.</summary>
public sealed class SandboxedImageToolTests
{
    // What a guest sees of a LINSTOR volume of 64 MiB on LVM_THIN with DRBD.
    private const long RealSize = 71_249_920;
    private static readonly byte[] Tail = "the tail beyond what was asked for"u8.ToArray();
    private readonly SandboxedImageTool _tool = new(new ImageSandbox(SandboxMode.Bubblewrap, "/nowhere", TimeProvider.System));

    [Fact]
    public async Task A_copy_carries_all_of_a_source_that_is_larger_than_its_row_says()
    {
        SkipWithoutTool();
        using var folder = new TempFolder();
        Make(folder["source"], RealSize, Tail);
        Make(folder["target"], RealSize + 4096, null);
        (await _tool.CopyAsync(folder["source"], "raw", folder["target"], "raw", TestContext.Current.CancellationToken)).ShouldBeOfType<CopyOutcome.Copied>();
        var copied = await File.ReadAllBytesAsync(folder["target"], TestContext.Current.CancellationToken);
        copied.Length.ShouldBe((int)RealSize + 4096);
        copied.AsSpan((int)RealSize - Tail.Length, Tail.Length).ToArray().ShouldBe(Tail);
    }

    [Fact]
    public async Task A_copy_to_a_smaller_target_fails_instead_of_cutting_the_tail_off()
    {
        SkipWithoutTool();
        using var folder = new TempFolder();
        Make(folder["source"], RealSize, Tail);
        Make(folder["target"], 64L << 20, null);
        (await _tool.CopyAsync(folder["source"], "raw", folder["target"], "raw", TestContext.Current.CancellationToken))
            .ShouldBeOfType<CopyOutcome.Failed>().Reason.ShouldContain("smaller");
        new FileInfo(folder["target"]).Length.ShouldBe(64L << 20);
    }

    [Fact]
    public async Task A_whole_qcow2_is_fine()
    {
        SkipWithoutTool();
        var fine = (await InspectAsync(new Qcow2Sample().Bytes, "qcow2")).ShouldBeOfType<InspectOutcome.Fine>();
        fine.VirtualSize.ShouldBe(Qcow2Sample.Data * Qcow2Sample.Cluster);
        fine.ContentBytes.ShouldBeInRange(Qcow2Sample.Data * Qcow2Sample.Cluster, 2 * Qcow2Sample.Data * Qcow2Sample.Cluster);
    }

    [Fact]
    public async Task The_first_half_of_a_qcow2_is_refused()
    {
        SkipWithoutTool();
        var whole = new Qcow2Sample().Bytes;
        (await InspectAsync(whole[..(whole.Length / 2)], "qcow2")).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain("broken or not whole");
    }

    [Fact]
    public async Task A_qcow2_whose_L1_table_points_beyond_its_end_is_refused()
    {
        SkipWithoutTool();
        (await InspectAsync(new Qcow2Sample().WithBrokenL1(), "qcow2")).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain("broken or not whole");
    }

    [Fact]
    public async Task A_qcow2_whose_L2_table_points_beyond_its_end_is_refused()
    {
        SkipWithoutTool();
        (await InspectAsync(new Qcow2Sample().WithBrokenL2(), "qcow2")).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain("broken or not whole");
    }

    [Theory]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>", "raw", "a web page (HTML)")]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>", "qcow2", "a web page (HTML)")]
    public async Task A_page_is_refused_as_what_it_is(string text, string format, string reason)
    {
        SkipWithoutTool();
        (await InspectAsync(System.Text.Encoding.ASCII.GetBytes(text), format)).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain(reason);
    }

    [Fact]
    public async Task The_content_of_a_disk_is_fine_as_raw_and_refused_as_qcow2()
    {
        SkipWithoutTool();
        (await InspectAsync(new byte[1 << 20], "raw")).ShouldBeOfType<InspectOutcome.Fine>().VirtualSize.ShouldBe(1 << 20);
        (await InspectAsync(new byte[1 << 20], "qcow2")).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain("but it is raw");
    }

    private async Task<InspectOutcome> InspectAsync(byte[] content, string format)
    {
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder["image"], content, TestContext.Current.CancellationToken);
        return await _tool.InspectAsync(folder["image"], format, TestContext.Current.CancellationToken);
    }

    private static void SkipWithoutTool() => Assert.SkipUnless(
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin").Split(':').Any(static folder => File.Exists(Path.Combine(folder, "qemu-img"))), "there is no qemu-img");

    private static void Make(string path, long size, byte[]? tail)
    {
        using var file = File.Create(path);
        file.SetLength(size);
        if (tail is not null)
        {
            file.Position = size - tail.Length;
            file.Write(tail);
        }
    }
}
