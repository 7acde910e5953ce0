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
    private readonly SandboxedImageTool _tool = new(TimeProvider.System);

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
