using System.Text.Json.Nodes;
using Holdfast.Agent.Bindings;
using Holdfast.Agent.Bindings.Processes;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Bindings;

/// <summary>Real processes: shell scripts that say what a driver says when it starts.</summary>
public sealed class ProcessLauncherTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly BindingSpec Spec = new() { PoolId = Samples.Pool, PoolName = "fast", Driver = "script", Config = new Dictionary<string, string>() };
    private const long DriverMemory = 1L << 30;
    private readonly TempFolder _folder = new();

    public ProcessLauncherTests()
    {
        Directory.CreateDirectory(_folder["drivers"]);
        Install("first", Ready("1.0"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task One_that_is_tried_out_has_a_folder_and_a_process_of_its_own()
    {
        var launcher = Launcher();
        var serving = (await LaunchAsync(launcher)).ShouldBeOfType<LaunchOutcome.Ready>();
        Install("second", Ready("2.0"));
        var tried = (await launcher.TryOutAsync(Spec, Generation.First, Installed(launcher), Patience, TestContext.Current.CancellationToken)).ShouldBeOfType<LaunchOutcome.Ready>();
        tried.Info.Version.ShouldBe("2.0");
        tried.Process.Pid.ShouldNotBe(serving.Process.Pid);
        (await ProcessEnding.EndAsync(tried.Process, isHung: false, TimeProvider.System)).ShouldNotBeNull();
        serving.Process.Ended.IsCompleted.ShouldBeFalse();
        ProcessLauncher.Running(_folder["data"], Samples.Pool).ShouldBe(serving.Process.Pid);
        (await ProcessEnding.EndAsync(serving.Process, isHung: false, TimeProvider.System)).ShouldNotBeNull();
        launcher.RemoveFolders(Samples.Pool).ShouldBeNull();
        Directory.GetFileSystemEntries(_folder["data/bindings"]).ShouldBeEmpty();
        Directory.GetFileSystemEntries(_folder["data/driver-builds"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_proven_build_is_started_again_after_its_files_were_replaced()
    {
        var launcher = Launcher();
        var serving = (await LaunchAsync(launcher)).ShouldBeOfType<LaunchOutcome.Ready>();
        var first = Installed(launcher);
        launcher.Proven(Samples.Pool).ShouldBeNull();
        launcher.Prove(Samples.Pool).ShouldBeNull();
        await ProcessEnding.EndAsync(serving.Process, isHung: true, TimeProvider.System);
        Install("first", "#!/bin/sh\nexit 1\n");

        // Another agent process: what is proven outlives the one that found out.
        launcher = Launcher();
        (await LaunchAsync(launcher)).ShouldBeOfType<LaunchOutcome.Failed>();
        launcher.Proven(Samples.Pool).ShouldBe(first);
        var again = (await launcher.LaunchAsync(Spec, Generation.First, first, Patience, TestContext.Current.CancellationToken)).ShouldBeOfType<LaunchOutcome.Ready>();
        again.Info.Version.ShouldBe("1.0");
        await ProcessEnding.EndAsync(again.Process, isHung: true, TimeProvider.System);
    }

    [Fact]
    public async Task One_that_was_only_tried_out_by_an_agent_that_died_is_ended_by_the_next()
    {
        var launcher = Launcher();

        // It does not end with its input, as one that is stopped does not.
        Install("first", Ready("1.0").Replace("cat >/dev/null", "sleep 600", StringComparison.Ordinal));
        var tried = (await launcher.TryOutAsync(Spec, Generation.First, Installed(launcher), Patience, TestContext.Current.CancellationToken)).ShouldBeOfType<LaunchOutcome.Ready>();
        tried.Process.CloseInput();
        (await Launcher().ReapAsync(Samples.Pool, Patience)).ShouldBeOfType<ReapOutcome.Gone>();
        (await tried.Process.Ended).ShouldBe("signal 9");
    }

    /// <summary>A pool's details named the program that its driver runs: whoever may add a pool was root on every host.</summary>
    [Fact]
    public async Task One_is_told_what_this_hosts_own_configuration_says_beside_the_pools_settings()
    {
        Install("first", Ready("1.0").Replace("read line", $"IFS= read -r line; printf '%s' \"$line\" >{_folder["told"]}", StringComparison.Ordinal));
        var launcher = Launcher();
        await File.WriteAllTextAsync(_folder["data/drivers.json"], """{"script/fast": {"program": "/usr/sbin/it"}}""", TestContext.Current.CancellationToken);
        var ready = (await LaunchAsync(launcher)).ShouldBeOfType<LaunchOutcome.Ready>();
        await ProcessEnding.EndAsync(ready.Process, isHung: true, TimeProvider.System);
        var told = JsonNode.Parse(await File.ReadAllTextAsync(_folder["told"], TestContext.Current.CancellationToken))!;
        ((string?)told["hostConfig"]!["program"]).ShouldBe("/usr/sbin/it");
        told["config"]!.AsObject().ShouldBeEmpty();

        await File.WriteAllTextAsync(_folder["data/drivers.json"], "{", TestContext.Current.CancellationToken);
        (await LaunchAsync(launcher)).ShouldBeOfType<LaunchOutcome.Failed>().Reason.ShouldContain("data/drivers.json");
    }

    /// <summary>It was told as "Broken pipe" when it had ended before it was sent its settings.</summary>
    [Theory]
    [InlineData("exit 3", "it ended before it was ready (exit code 3)")]
    [InlineData("read line; exit 3", "it ended before it was ready (exit code 3)")]
    [InlineData("kill -9 $$", "it ended before it was ready (signal 9)")]
    [InlineData("exec <&-; echo hello", "what it said about being ready is not JSON")]
    [InlineData("read line; echo hello; cat >/dev/null", "what it said about being ready is not JSON")]
    public async Task One_that_does_not_start_is_told_with_how_it_ended(string script, string reason)
    {
        Install("first", $"#!/bin/sh\n{script}\n");
        var failed = (await LaunchAsync(Launcher())).ShouldBeOfType<LaunchOutcome.Failed>();
        failed.Reason.ShouldStartWith(reason);
        await ProcessEnding.EndAsync(failed.Process!, isHung: true, TimeProvider.System);
    }

    [Fact]
    public async Task A_driver_has_a_bound_on_its_memory_and_goes_before_a_guest_when_memory_is_short()
    {
        var serving = (await LaunchAsync(Launcher())).ShouldBeOfType<LaunchOutcome.Ready>();
        (await File.ReadAllTextAsync($"/proc/{serving.Process.Pid}/limits", TestContext.Current.CancellationToken)).ShouldMatch($@"Max data size\s+{DriverMemory}\s+{DriverMemory}");
        (await File.ReadAllTextAsync($"/proc/{serving.Process.Pid}/oom_score_adj", TestContext.Current.CancellationToken)).Trim().ShouldBe("500");
        await ProcessEnding.EndAsync(serving.Process, isHung: true, TimeProvider.System);
    }

    [Fact]
    public async Task A_driver_that_leaks_ends_alone()
    {
        Install("first", Ready("1.0").Replace("cat >/dev/null", "exec dd if=/dev/zero of=/dev/null bs=1G count=1", StringComparison.Ordinal));
        var leaking = (await LaunchAsync(Launcher(64L << 20))).ShouldBeOfType<LaunchOutcome.Ready>();
        (await leaking.Process.Ended.WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBe("exit code 1");
    }

    // The pool's id is in the line that it is started with; reading that to the end would wait for the agent's end.
    private static string Ready(string version) =>
        $$$$"""
        #!/bin/sh
        read line
        printf '%s\n' '{"ready":true,"info":{"driver":"script","version":"{{{{version}}}}","protocol":1,"pid":1,"poolId":"{{{{Samples.Pool}}}}","capabilities":{"canClone":false,"canSnapshot":false,"canResize":false,"isShared":false,"canAttachLocally":false}}}'
        cat >/dev/null

        """.Replace("\r", "", StringComparison.Ordinal);

    private static DriverBuild Installed(IDriverLauncher launcher) => launcher.Installation("script").Build ?? throw new InvalidOperationException("It is not installed.");

    private static Task<LaunchOutcome> LaunchAsync(IDriverLauncher launcher) =>
        launcher.LaunchAsync(Spec, Generation.First, Installed(launcher), Patience, TestContext.Current.CancellationToken);

    private ProcessLauncher Launcher(long memory = DriverMemory) =>
        new(new DriverFiles(_folder["drivers"], _folder["data"]), _folder["data"], "here", static () => null, memory, TimeProvider.System, NullLogger.Instance);

    private void Install(string version, string script)
    {
        var file = _folder[$"{version}/holdfast-driver-script"];
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, script);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var link = _folder["drivers/holdfast-driver-script"];
        File.Delete(link);
        File.CreateSymbolicLink(link, file);
    }
}
