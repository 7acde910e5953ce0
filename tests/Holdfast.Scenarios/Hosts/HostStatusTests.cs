using Holdfast.Cli.Host;
using Holdfast.Cli.Processes;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios.Hosts;

/// <summary>What an operator sees on the machine itself, <c>holdfast host status</c>, when there is nobody else to ask.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
public sealed class HostStatusTests(SharedStage shared, ITestOutputHelper output)
{
    [Fact]
    public async Task Status_ServerFrozen_ShowsMachinesPoolsAndAttachments()
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("shown");
        await vm.ReadyAsync();
        var disk = await vm.RootVolumeAsync();
        stage.Stack.Server.Signal(Signal.Stop);
        try
        {
            var (code, shown, error) = await StatusAsync(stage.Stack.Options.AgentFolder);
            code.ShouldBe(0, error);
            Line(shown, vm.Id).ShouldContain("running");
            Line(shown, vm.Id).ShouldContain(vm.Name);
            shown.ShouldContain("hypervisor: answers");
            var attachment = Line(shown, disk);
            attachment.ShouldContain("local");
            attachment.ShouldContain(vm.Id);
            shown.Split('\n').Count(line => line.Contains(" directory ", StringComparison.Ordinal) && line.Contains(" attached ", StringComparison.Ordinal)).ShouldBe(1);
            shown.ShouldContain("owed: none");
            shown.ShouldContain("last report accepted: 2");
            shown.ShouldContain("last reconcile with libvirt: 2");
            Lines(shown, vm.Id).ShouldContain(line => line.TrimEnd().EndsWith(" running", StringComparison.Ordinal), "libvirt's own view");

            (await StatusAsync(stage.Stack.Options.AgentFolder, json: true)).Shown.ShouldStartWith("{");
        }
        finally
        {
            stage.Stack.Server.Signal(Signal.Continue);
        }

        await vm.DestroyAsync();
    }

    [Fact]
    public async Task Status_AgentFrozen_ShowsItsLedgerAndWhatLibvirtRuns()
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("left");
        await vm.ReadyAsync();
        var disk = await vm.RootVolumeAsync();
        stage.Stack.Agent.Signal(Signal.Stop);
        try
        {
            var (code, shown, error) = await StatusAsync(stage.Stack.Options.AgentFolder, stage.Libvirt.Uri);
            code.ShouldBe(HostCommand.Untold, error);
            shown.ShouldContain("agent: the agent does not answer");
            shown.ShouldContain("hypervisor: answers");
            Line(shown, vm.Id).ShouldContain(vm.Name);
            Lines(shown, vm.Id).ShouldContain(line => line.TrimEnd().EndsWith(" running", StringComparison.Ordinal), "libvirt's own view");
            Line(shown, disk).ShouldContain(vm.Id);
        }
        finally
        {
            stage.Stack.Agent.Signal(Signal.Continue);
        }

        await vm.DestroyAsync();
    }

    [Fact]
    public async Task Status_NoAgent_NamesTheFolder()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-no-agent-").FullName;
        try
        {
            var (code, _, error) = await StatusAsync(folder);
            code.ShouldBe(HostCommand.Untold);
            error.ShouldContain($"no agent runs: there is no socket {folder}");
            error.ShouldContain($"there is no ledger: {folder}");
            Directory.GetFileSystemEntries(folder).ShouldBeEmpty("who only looks makes nothing");
        }
        finally
        {
            Directory.Delete(folder);
        }

        (await StatusAsync(folder)).Error.ShouldContain($"there is no folder {folder}");
    }

    private async Task<(int Code, string Shown, string Error)> StatusAsync(string folder, string libvirt = HostCommand.MachinesOwn, bool json = false)
    {
        await using var shown = new StringWriter();
        await using var error = new StringWriter();
        var code = await HostCommand.StatusAsync(folder, libvirt, json, shown, error, TimeProvider.System, TestContext.Current.CancellationToken);
        output.WriteLine($"{shown}{error}");
        return (code, shown.ToString(), error.ToString());
    }

    private static IEnumerable<string> Lines(string shown, string id) => shown.Split('\n').Where(line => line.Contains(id, StringComparison.Ordinal));

    private static string Line(string shown, string id) =>
        shown.Split('\n').FirstOrDefault(line => line.Contains(id, StringComparison.Ordinal)) ?? throw new ShouldAssertException($"nothing is shown of {id}:\n{shown}");
}
