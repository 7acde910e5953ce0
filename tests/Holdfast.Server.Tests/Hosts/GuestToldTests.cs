using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Machines;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosts;

/// <summary>What hosts are told for their guests, over real TLS: who is told, what, and until when.</summary>
public sealed class GuestToldTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-told-").FullName;
    private TestNode _node = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _node = await TestNode.StartAsync(_folder, null);

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_host_that_is_to_run_a_guest_is_told_all_of_it_and_no_other_anything_and_the_password_until_it_has_started()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await _node.AddPoolAsync();
        var template = await _node.AddTemplateAsync();
        await _node.Database.WriteAsync((db, ct) => db.Templates.Where(t => t.Id == template).Set(t => t.PasswordEnabled, true).UpdateAsync(ct), Token);
        var pair = new SshKeyPairRow
        {
            Id = new SshKeyPairId(Guid.NewGuid()), AccountId = _node.Admin.AccountId, Name = "laptop", PublicKey = "ssh-ed25519 AAAA", Fingerprint = "00", Created = DateTimeOffset.UnixEpoch,
        };
        await _node.Database.WriteAsync((db, ct) => db.InsertAsync(pair, token: ct), Token);
        await using var other = await TestAgent.StartAsync(_node, "host2");

        // Neither says that it has started.
        agent.Behaviour = item => item.Kind == ItemKind.Machine ? null : TestAgent.Obey(item);
        other.Behaviour = item => item.Kind == ItemKind.Machine ? null : TestAgent.Obey(item);
        var zone = await _node.ReadAsync(db => db.Zones.FirstAsync());
        var outcome = await _node.Vms.DeployAsync(
            _node.Admin,
            new DeployVirtualMachine
            {
                Name = "web",
                ServiceOfferingId = (await _node.OfferingAsync(null)).Id,
                TemplateId = template,
                ZoneId = zone.Id,
                KeyPairs = ["laptop"],
                UserData = new GivenUserData("I2Nsb3VkLWNvbmZpZwo=", null, new Dictionary<string, string> { ["role"] = "web" }),
                Password = new Secret("of the guest"),
            },
            Token);
        var vm = outcome.ShouldBeOfType<JobOutcome.Accepted>().EntityId;
        (ItemKind, Guid) key = (ItemKind.Machine, vm);
        await TestNode.UntilAsync(() => Task.FromResult(agent.Items.ContainsKey(key) || other.Items.ContainsKey(key)), () => "the machine's item");
        var (its, stranger) = agent.Items.ContainsKey(key) ? (agent, other) : (other, agent);

        var told = (await its.GuestAsync(vm)).ShouldNotBeNull();
        (told.HostName, told.ZoneName, told.ZoneId, told.UserData, told.Told).ShouldBe(("web", zone.Name, zone.Id, "I2Nsb3VkLWNvbmZpZwo=", 1));
        told.PublicKeys.ShouldBe(new Dictionary<string, string> { ["laptop"] = "ssh-ed25519 AAAA" });
        told.Variables.ShouldBe(new Dictionary<string, string> { ["role"] = "web" });
        told.Password!.Reveal().ShouldBe("of the guest");
        its.Items[key].Machine!.Told.ShouldBe(1);
        (await stranger.GuestAsync(vm)).ShouldBeNull("its document does not have it");
        (await its.GuestAsync(Guid.NewGuid())).ShouldBeNull();

        // What is kept and sent again and again has neither.
        var item = JsonSerializer.Serialize(its.Items[key], HostJson.Default.HostItem);
        item.ShouldNotContain("of the guest");
        item.ShouldNotContain("I2Nsb3Vk");

        its.Behaviour = TestAgent.Obey;
        await its.RepeatAsync(ItemKind.Machine);
        await _node.SucceedAsync(outcome);
        (await its.GuestAsync(vm))!.Password.ShouldBeNull("a guest has started with it");
        (await _node.VmAsync(vm)).Password.ShouldNotBeNull("the job still answers it");

        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, new VmId(vm), true, Token));
        (await its.GuestAsync(vm)).ShouldBeNull("the host is not to run it any more");
        await _node.SucceedAsync(await _node.Vms.ResetPasswordAsync(_node.Admin, new VmId(vm), new Secret("another"), Token));
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, new VmId(vm), null, Token));
        its.Items.Values.Concat(other.Items.Values).Concat(agent.Items.Values).Where(i => i.Id == vm).Max(i => i.Machine?.Told ?? 0).ShouldBe(2);

        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, new VmId(vm), true, [], true, Token));
        var row = await _node.VmAsync(vm);
        (row.State, row.Password).ShouldBe((VmState.Expunging, null));
        (await _node.ReadAsync(db => db.VmUserData.CountAsync())).ShouldBe(0);
    }
}
