using System.Security.Cryptography;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Pools;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Tests.Api;
using Holdfast.Server.Tests.Hosts;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Startup;

/// <summary>The installation's key is changed, and nothing is lost on the way.</summary>
public sealed class KeyChangeTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-key-").FullName;
    private readonly LogLines _log = new();
    private string _old = string.Empty;
    private string _known = string.Empty;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string KeyFile => Path.Combine(_folder, InstallationKey.FileName);

    public async ValueTask InitializeAsync()
    {
        await using (var node = await StartAsync())
        {
            await using var agent = await TestAgent.StartAsync(node);
            var zone = await node.ReadAsync(db => db.Zones.Select(z => z.Id).FirstAsync());
            TestNode.Done(await node.Pools.CreateAsync(
                node.Admin, new CreateStoragePool { Name = "a", Url = "file:///srv/a", ZoneId = zone, Scope = "zone", Hypervisor = "KVM" }, Token));
            var pool = await node.ReadAsync(db => db.StoragePools.Select(p => p.Id).SingleAsync());
            var secrets = node.Service<SecretBox>().Seal(SecretPurpose.PoolSecrets(pool), new Secret("of the pool"));
            await node.Database.WriteAsync((db, ct) => db.StoragePools.Where(p => p.Id == pool).Set(p => p.Secrets, secrets).UpdateAsync(ct), Token);
            await AddVmAsync(node, zone);
            _known = await SecretsAsync(node);
        }

        _old = (await File.ReadAllTextAsync(KeyFile, Token)).Trim();
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_key_is_changed_by_a_line_before_the_old_one_which_may_go_after_a_start()
    {
        var fresh = NewKey();

        // As on a server that is told first: it can read what others seal with the new one, and goes on with the old.
        await StartWithAsync(_old, fresh);
        _log.Lines.ShouldContain(line => line.StartsWith("0 secrets were sealed anew", StringComparison.Ordinal));

        await StartWithAsync(fresh, _old);
        _log.Lines.ShouldContain(line => line.StartsWith("4 secrets were sealed anew", StringComparison.Ordinal) && line.Contains(KeyFile));

        await StartWithAsync(fresh);
        (await Should.ThrowAsync<StartRefusedException>(() => StartWithAsync(_old))).Message.ShouldContain("is not that of the installation");
    }

    [Fact]
    public async Task What_no_key_opens_is_named_and_costs_nobody_else()
    {
        PoolId pool;
        await using (var node = await StartAsync())
        {
            pool = await node.ReadAsync(db => db.StoragePools.Select(p => p.Id).SingleAsync());
            var foreign = node.Service<SecretBox>().Seal("another purpose", new Secret("lost"));
            await node.Database.WriteAsync((db, ct) => db.StoragePools.Where(p => p.Id == pool).Set(p => p.Secrets, foreign).UpdateAsync(ct), Token);
        }

        await File.WriteAllLinesAsync(KeyFile, [NewKey(), _old], Token);
        await using var next = await StartAsync();

        _log.Lines.ShouldContain(line => line.Contains($"opens pool-secrets:{pool}", StringComparison.Ordinal));
        _log.Lines.ShouldNotContain(line => line.Contains("sealed anew", StringComparison.Ordinal));
        var keys = await next.ReadAsync(db => db.UserKeys.SingleAsync());
        next.Service<SecretBox>().SealAnew(SecretPurpose.UserSecretKey(keys.Id), keys.SecretKey).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("c2hvcnQ=")]
    [InlineData("no base64")]
    public async Task A_key_file_that_is_none_is_refused_and_named(string line)
    {
        await File.WriteAllTextAsync(KeyFile, line, Token);

        (await Should.ThrowAsync<StartRefusedException>(StartAsync)).Message.ShouldContain(KeyFile);
    }

    /// <summary>A copy with cp keeps no mode, and nobody was told that the key of all secrets was everybody's.</summary>
    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public async Task A_key_file_that_others_may_read_or_write_is_refused(UnixFileMode open)
    {
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | open);

        (await Should.ThrowAsync<StartRefusedException>(StartAsync)).Message.ShouldContain($"The key file {KeyFile} can be read or written by others");
    }

    [Fact]
    public void A_text_is_opened_for_its_own_purpose_only_whichever_key_sealed_it()
    {
        var former = SecretBox.Open(KeyFile).Seal("a", new Secret("text"));
        File.WriteAllLines(KeyFile, [NewKey(), _old]);
        var box = SecretBox.Open(KeyFile);

        box.HasFormerKeys.ShouldBeTrue();
        box.Unseal("a", former).Reveal().ShouldBe("text");
        var anew = box.SealAnew("a", former).ShouldNotBeNull();
        box.Unseal("a", anew).Reveal().ShouldBe("text");
        box.SealAnew("a", anew).ShouldBeNull();
        Should.Throw<CryptographicException>(() => box.Unseal("b", former));
        Should.Throw<CryptographicException>(() => box.SealAnew("b", anew));
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private Task<TestNode> StartAsync() =>
        TestNode.StartAsync(_folder, null, null, services => services.AddLogging(logging => logging.ClearProviders().AddProvider(_log)));

    private async Task StartWithAsync(params string[] keys)
    {
        await File.WriteAllLinesAsync(KeyFile, keys, Token);
        await using var node = await StartAsync();
        (await SecretsAsync(node)).ShouldBe(_known);
    }

    private static async Task AddVmAsync(TestNode node, ZoneId zone)
    {
        var user = await node.ReadAsync(db => db.Users.FirstAsync());
        var account = await node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == user.AccountId));
        var domain = await node.ReadAsync(db => db.Domains.SingleAsync(d => d.Id == account.DomainId));
        var vm = Rows.Vm(new TestUser(user.Username, user, account, domain, string.Empty, string.Empty), zone, Rows.ServiceOffering());
        vm = vm with { Password = node.Service<SecretBox>().Seal(SecretPurpose.VmPassword(vm.Id), new Secret("of the guest")) };
        await node.Database.WriteAsync((db, ct) => db.InsertAsync(vm, token: ct), Token);
    }

    // All that is sealed.
    private static async Task<string> SecretsAsync(TestNode node)
    {
        var box = node.Service<SecretBox>();
        var keys = await node.ReadAsync(db => db.UserKeys.SingleAsync());
        var pool = await node.ReadAsync(db => db.StoragePools.SingleAsync());
        var vm = await node.ReadAsync(db => db.Vms.SingleAsync());
        return string.Join(
            '\n',
            node.Service<Authority>().Fingerprint,
            box.Unseal(SecretPurpose.UserSecretKey(keys.Id), keys.SecretKey).Reveal(),
            box.Unseal(SecretPurpose.PoolSecrets(pool.Id), pool.Secrets!).Reveal(),
            box.Unseal(SecretPurpose.VmPassword(vm.Id), vm.Password!).Reveal());
    }
}
