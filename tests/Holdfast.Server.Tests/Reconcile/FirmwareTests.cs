using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Machines;
using Holdfast.Server.Tests.Hosts;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>VMs that boot by UEFI go to hosts that have it, and these are told.</summary>
public sealed class FirmwareTests : NodeTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task A_vm_that_boots_by_uefi_starts_where_that_is_and_its_host_is_told()
    {
        await using var plain = await TestAgent.StartAsync(Node, "plain");
        await using var able = await TestAgent.StartAsync(Node, "able");
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var nowhere = await Node.EndOfAsync(await DeployAsync(template, MachineFirmware.Uefi));
        nowhere.ResultCode.ShouldBe(533);
        nowhere.Result!.ShouldContain("no UEFI firmware");

        await Node.Database.WriteAsync((db, ct) => db.Hosts.Where(h => h.Name == "able").Set(h => h.Firmware, "uefi").UpdateAsync(ct), Token);
        for (var i = 0; i < 3; i++)
        {
            var vm = await Node.SucceedAsync(await DeployAsync(template, MachineFirmware.Uefi));
            able.Items[(ItemKind.Machine, vm)].Machine!.Firmware.ShouldBe(MachineFirmware.Uefi);
        }

        var secure = await Node.EndOfAsync(await DeployAsync(template, MachineFirmware.SecureBoot));
        secure.ResultCode.ShouldBe(533);
        var bios = await Node.SucceedAsync(await DeployAsync(template, MachineFirmware.Bios));
        (await Node.ReadAsync(db => db.HostItems.SingleAsync(i => i.Kind == ItemKind.Machine && i.Id == bios))).Spec!.ShouldContain("\"bios\"");
    }

    private async Task<Holdfast.Server.Transactions.JobOutcome> DeployAsync(TemplateId template, MachineFirmware firmware) => await Node.Vms.DeployAsync(
        Node.Admin, new DeployVirtualMachine { ServiceOfferingId = (await Node.OfferingAsync(null)).Id, TemplateId = template, ZoneId = await Node.ZoneAsync(), Firmware = firmware }, Token);
}
