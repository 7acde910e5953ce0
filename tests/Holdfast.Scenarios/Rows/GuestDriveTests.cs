using System.Text;
using System.Text.Json;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>What a real guest finds on its configuration drive.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
public sealed class GuestDriveTests(SharedStage shared)
{
    [Fact]
    public async Task A_guest_is_told_its_name_its_keys_and_its_user_data_and_something_new_at_its_next_start()
    {
        var stage = await shared.StageAsync();
        var pair = (await stage.Api.AskAsync("createSSHKeyPair", CancellationToken.None, ("name", $"pair {Guid.NewGuid():N}"))).GetProperty("keypair");
        var (name, parameters) = await stage.DeployParametersAsync("told");
        var made = await stage.Api.AskAsync(
            "deployVirtualMachine",
            CancellationToken.None,
            [.. parameters, ("keypair", pair.Text("name")), ("userdata", Convert.ToBase64String("#cloud-config"u8)), ("userdatadetails[0].role", "web")]);
        var vm = new Guest(stage, name, made.Text("id"));
        (await stage.Api.WaitAsync("deployVirtualMachine", made.Text("jobid"), TimeSpan.FromSeconds(120), CancellationToken.None)).ShouldBeOfType<ApiReply.Answered>();
        await vm.ReadyAsync();

        var first = await ReadAsync(vm, 1);
        var metadata = JsonDocument.Parse(first["openstack/latest/meta_data.json"]).RootElement;
        metadata.GetProperty("uuid").GetString().ShouldBe($"{vm.Id}-1");
        metadata.GetProperty("hostname").GetString().ShouldBe(name);
        metadata.GetProperty("role").GetString().ShouldBe("web");
        metadata.GetProperty("public_keys").GetProperty(pair.Text("name")).GetString()!.ShouldStartWith("ssh-rsa AAAA");
        first["openstack/latest/user_data"].ShouldBe("#cloud-config");
        first["cloudstack/metadata/vm-id.txt"].ShouldBe(vm.Id);
        var drive = Path.Combine(stage.Stack.Options.GuestDriveFolder, $"{vm.Id}.iso");
        File.GetUnixFileMode(drive).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        // A reboot is the same start to the host; a stop takes the drive away.
        await vm.StopAsync();
        await Wait.UntilAsync("the drive to be gone", TimeSpan.FromSeconds(60), () => Task.FromResult(!File.Exists(drive)));
        await vm.DoAsync("resetUserDataForVirtualMachine", ("userdata", Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', 5000)))));
        await vm.StartAsync();
        var second = await ReadAsync(vm, 2);
        JsonDocument.Parse(second["openstack/latest/meta_data.json"]).RootElement.GetProperty("uuid").GetString().ShouldBe($"{vm.Id}-2");
        second["openstack/latest/user_data"].ShouldBe("5000 bytes");

        await vm.DestroyAsync();
        File.Exists(drive).ShouldBeFalse();
    }

    private static async Task<IReadOnlyDictionary<string, string>> ReadAsync(Guest vm, int times)
    {
        await Wait.UntilAsync($"the guest {vm.Name} to read its drive", TimeSpan.FromSeconds(180), () => Task.FromResult(vm.Console.DrivesRead >= times));
        return vm.Console.Drive()!;
    }
}
