using System.Text.Json;
using Holdfast.Staging;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios;

/// <summary>A client that knows nothing of Holdfast: Debian's python3-cs, with the file that the set-up wrote for it.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class CsClientTests(SharedStage shared)
{
    [Fact]
    public async Task Cs_WithTheWrittenAdminFile_TakesAVmThroughItsLife()
    {
        var stage = await shared.StageAsync();
        var zone = (await CsAsync(stage, "listZones")).GetProperty("zone")[0].GetProperty("id").GetString()!;
        var offering = (await CsAsync(stage, "listServiceOfferings", "name=tiny")).GetProperty("serviceoffering")[0].GetProperty("id").GetString()!;
        var template = (await CsAsync(stage, "listTemplates", "templatefilter=all")).GetProperty("template")[0].GetProperty("id").GetString()!;
        var machine = (await CsAsync(stage, "deployVirtualMachine", "name=by-cs", $"zoneid={zone}", $"serviceofferingid={offering}", $"templateid={template}"))
            .GetProperty("virtualmachine").GetProperty("id").GetString()!;
        var listed = (await CsAsync(stage, "listVirtualMachines", $"id={machine}")).GetProperty("virtualmachine")[0];
        listed.GetProperty("state").GetString().ShouldBe("Running");
        listed.GetProperty("hypervisor").GetString().ShouldBe("KVM");
        (await stage.Virsh.StateAsync(machine)).ShouldBe("running");
        var stopped = (await CsAsync(stage, "stopVirtualMachine", $"id={machine}", "forced=true")).GetProperty("virtualmachine");
        stopped.GetProperty("state").GetString().ShouldBe("Stopped");
        await CsAsync(stage, "destroyVirtualMachine", $"id={machine}", "expunge=true");
        (await stage.Virsh.ExistsAsync(machine)).ShouldBeFalse();
    }

    [Fact]
    public async Task Cs_WithAWrongId_ShowsTheApisOwnError()
    {
        var stage = await shared.StageAsync();
        var result = await TryCsAsync(stage, "stopVirtualMachine", "id=00000000-0000-0000-0000-000000000001");
        (result.Output + result.Error).ShouldContain("entity does not exist");
    }

    [Fact]
    public async Task AdminFile_IsReadableByItsOwnerOnly()
    {
        var stage = await shared.StageAsync();
        File.GetUnixFileMode(stage.Stack.Options.AdminFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static async Task<JsonElement> CsAsync(Stage stage, params string[] arguments)
    {
        var result = await TryCsAsync(stage, arguments);
        result.Code.ShouldBe(0, $"cs {string.Join(' ', arguments)}: {result.Error}{result.Output}");
        return JsonDocument.Parse(result.Output).RootElement.Clone();
    }

    private static Task<ToolResult> TryCsAsync(Stage stage, params string[] arguments) => Tool.TryAsync(
        TimeSpan.FromSeconds(120), "env", ["-u", "http_proxy", "-u", "HTTP_PROXY", $"CLOUDSTACK_CONFIG={stage.Stack.Options.AdminFile}", "/usr/bin/python3", "-m", "cs", .. arguments]);
}
