using System.Diagnostics;
using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

/// <summary>What a program in the sandbox can see and do. Shell scripts stand for a qemu-img that an image has taken over.</summary>
public sealed class ImageSandboxTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ImageSandbox _sandbox;

    public ImageSandboxTests()
    {
        File.WriteAllText(_folder["image"], "content");
        File.WriteAllText(_folder["target"], "old");
        File.SetUnixFileMode(_folder["target"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _sandbox = new ImageSandbox(SandboxMode.Bubblewrap, _folder.Path, TimeProvider.System);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_nobody_without_rights_and_sees_the_image_and_nothing_of_the_host(bool writes)
    {
        var said = await SayAsync(
            """
            id -u; id -g; cat "$0"; echo
            for path in /etc/shadow /etc/passwd /home /root /var /run /proc/1 /sys /dev/kmsg; do test -e $path && echo "sees $path"; done
            (echo x >"$0") 2>/dev/null && echo "writes the image"
            (echo x >/usr/x) 2>/dev/null && echo "writes /usr"
            (echo x >/x) 2>/dev/null && echo "writes /"
            (mount -t tmpfs none /in) 2>/dev/null && echo mounts
            (unshare --user true) 2>/dev/null && echo "makes a user namespace"
            (setpriv --reuid 0 true) 2>/dev/null && echo "is root again"
            echo over
            """,
            writes);
        said.ShouldBe("65534\n65534\ncontent\nover\n");
    }

    [Fact]
    public async Task A_process_that_could_not_be_read_kept_a_new_agent_from_starting()
    {
        var never = new TaskCompletionSource();
        var time = new Holdfast.Testing.FakeTimeProvider();
        var sandbox = new ImageSandbox(SandboxMode.Bubblewrap, _folder.Path, time);
        sandbox.ClearBeside(() => never.Task);
        var running = sandbox.RunAsync(Job("true"), TestContext.Current.CancellationToken);
        running.IsCompleted.ShouldBeFalse("it waits, and whoever started it does not");
        time.Advance(TimeSpan.FromMinutes(2));
        (await running).ShouldBeOfType<SandboxOutcome.Unavailable>().Reason.ShouldContain("cannot be read");
        never.SetResult();
    }

    [Fact]
    public async Task It_reaches_no_network()
    {
        await using var server = new ScriptedWebServer(_ => ScriptedWebServer.Ok("x"u8));
        (await SayAsync($"bash -c 'exec 3<>/dev/tcp/{server.Host.Replace(':', '/')}' 2>/dev/null || echo none")).ShouldBe("none\n");
    }

    [Fact]
    public async Task It_writes_its_target_and_that_alone()
    {
        (await SayAsync("printf new >\"$1\"; ls /out", writes: true)).ShouldBe("target\n");
        (await File.ReadAllTextAsync(_folder["target"], TestContext.Current.CancellationToken)).ShouldBe("new");
    }

    [Fact]
    public async Task It_has_no_more_memory_than_it_is_given()
    {
        (await SayAsync("dd if=/dev/null of=/dev/null bs=400M 2>/dev/null || echo refused; ulimit -v")).ShouldBe("refused\n262144\n");
    }

    [Fact]
    public async Task It_has_no_more_processor_time_than_it_is_given() =>
        (await RunAsync("while :; do :; done", cpuSeconds: 1)).ShouldBeOfType<SandboxOutcome.Stopped>().Reason.ShouldContain("1 s of processor time");

    [Fact]
    public async Task It_is_ended_with_all_that_it_started_when_its_time_is_over()
    {
        (await RunAsync("setsid sleep 1000 & sleep 1000", bound: TimeSpan.FromMilliseconds(500))).ShouldBeOfType<SandboxOutcome.Stopped>().Reason.ShouldContain("not done within");
        await NothingRunsAsync();
    }

    [Fact]
    public async Task It_is_ended_with_all_that_it_started_when_it_is_given_up()
    {
        using var given = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await Should.ThrowAsync<OperationCanceledException>(() => _sandbox.RunAsync(Job("setsid sleep 1000 & sleep 1000"), given.Token));
        await NothingRunsAsync();
    }

    [Fact]
    public async Task What_an_agent_that_died_left_running_is_ended_by_the_next()
    {
        using var given = new CancellationTokenSource();
        (await _sandbox.WhyNotAsync(given.Token)).ShouldBeNull();
        var running = _sandbox.RunAsync(Job("sleep 1000"), given.Token);
        await UntilAsync(() => Running().Length > 0, "a process in the sandbox");
        (await new ImageSandbox(SandboxMode.Bubblewrap, _folder.Path, TimeProvider.System).EndLeftOversAsync()).ShouldBeEmpty();
        (await running).ShouldBeOfType<SandboxOutcome.Stopped>();
        Running().ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_bubblewrap_nothing_is_run_and_what_to_do_is_said()
    {
        Directory.CreateDirectory(_folder["bin"]);
        foreach (var tool in (string[])["setsid", "prlimit", "choom", "true"])
        {
            File.CreateSymbolicLink(_folder[$"bin/{tool}"], $"/usr/bin/{tool}");
        }

        var none = new ImageSandbox(SandboxMode.Bubblewrap, _folder.Path, TimeProvider.System) { SearchPath = _folder["bin"] };
        var refused = (await none.RunAsync(Job("echo ran"), TestContext.Current.CancellationToken)).ShouldBeOfType<SandboxOutcome.Unavailable>().Reason;
        refused.ShouldContain("install the package bubblewrap");
        refused.ShouldContain("--image-sandbox limits");
    }

    [Fact]
    public async Task The_lesser_mode_runs_where_it_was_asked_for()
    {
        var lesser = new ImageSandbox(SandboxMode.Limits, _folder.Path, TimeProvider.System);
        (await lesser.RunAsync(Job("ulimit -v"), TestContext.Current.CancellationToken)).ShouldBeOfType<SandboxOutcome.Ended>().Output.ShouldBe("262144\n");
    }

    private SandboxJob Job(string script, bool writes = false, int cpuSeconds = 60, TimeSpan? bound = null) => new()
    {
        Program = "sh",
        Source = _folder["image"],
        Target = writes ? _folder["target"] : null,
        Arguments = (source, target) => ["-c", script, source, target],
        Memory = 256L << 20,
        CpuSeconds = cpuSeconds,
        Bound = bound ?? TimeSpan.FromSeconds(60),
    };

    private Task<SandboxOutcome> RunAsync(string script, bool writes = false, int cpuSeconds = 60, TimeSpan? bound = null) =>
        _sandbox.RunAsync(Job(script, writes, cpuSeconds, bound), TestContext.Current.CancellationToken);

    private async Task<string> SayAsync(string script, bool writes = false) => (await RunAsync(script, writes)).ShouldBeOfType<SandboxOutcome.Ended>().Output;

    private string[] Running() => [.. Directory.GetDirectories("/proc").Where(process =>
    {
        try
        {
            return Path.GetFileName(process).All(char.IsAsciiDigit) && File.ReadAllText(Path.Combine(process, "environ")).Contains($"={_folder.Path}\0", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    })];

    private Task NothingRunsAsync() => UntilAsync(() => Running().Length == 0, "the end of all that ran in the sandbox");

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        var began = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(30), what);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
