using System.Security.Cryptography;
using System.Text;
using Holdfast.Core.States;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>SSH key pairs: what is kept of them, whose they are, and which VMs have them.</summary>
public sealed class SshKeyPairTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private const string Ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private const string Ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBO0ZaZoQ4tGAImsxp9TAS9ceze70Lt9kbi8mFSO4Y0ERZSedW+XEXr0dDANNx7GrAKiVzXPAiH3RARZbFPsO+lo=";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // As ssh-keygen -l -E md5 says.
    [Theory]
    [InlineData(Ed25519 + " a comment of words", "0b:9e:09:12:ee:ee:97:b3:f4:d8:c6:c6:55:00:b1:20")]
    [InlineData(Ecdsa + "\n", "08:d0:01:7f:ca:4a:7e:bf:c4:51:3f:f7:bf:6a:1b:d6")]
    public void A_public_key_is_read_without_its_comment_also_in_base64(string line, string fingerprint)
    {
        foreach (var text in new[] { line, Convert.ToBase64String(Encoding.UTF8.GetBytes(line)) })
        {
            var key = SshPublicKey.Read(text)!;
            key.Fingerprint.ShouldBe(fingerprint);
            line.ShouldStartWith(key.Text);
            key.Text.Count(c => c == ' ').ShouldBe(1);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig")]
    [InlineData("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRQ==")]
    [InlineData("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWigAA==")]
    [InlineData("ssh-ed25519 not*base64")]
    [InlineData("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 tf")]
    [InlineData(Ed25519 + "\n" + Ecdsa)]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----")]
    public void What_is_no_whole_key_is_none(string text) => SshPublicKey.Read(text).ShouldBeNull();

    [Fact]
    public async Task A_pair_that_is_made_answers_its_private_key_once_and_it_is_kept_nowhere()
    {
        var name = $"made {Guid.NewGuid():N}";
        var answer = (await PostAsync(host.User, "createSSHKeyPair", ("name", name))).ShouldSucceed();

        answer.Envelope.ShouldBe("createsshkeypairresponse");
        var pair = answer.Body.GetProperty("keypair");
        var text = pair.GetProperty("privatekey").GetString()!;
        text.ShouldStartWith("-----BEGIN RSA PRIVATE KEY-----\n");
        text.ShouldEndWith("-----END RSA PRIVATE KEY-----\n");
        using var key = RSA.Create();
        key.ImportFromPem(text);
        key.KeySize.ShouldBe(2048);
        var half = SshPublicKey.Of(key.ExportParameters(includePrivateParameters: false));
        SshPublicKey.Read(half.Text)!.Fingerprint.ShouldBe(half.Fingerprint);
        pair.GetProperty("fingerprint").GetString().ShouldBe(half.Fingerprint);
        pair.GetProperty("account").GetString().ShouldBe(host.User.Account.Name);

        var shown = (await host.CallAsync(host.User, "listSSHKeyPairs", ("name", name))).List("sshkeypair").Single();
        shown.TryGetProperty("privatekey", out _).ShouldBeFalse();
        shown.GetProperty("fingerprint").GetString().ShouldBe(half.Fingerprint);
        (await host.Database.ReadAsync((db, ct) => db.SshKeyPairs.SingleAsync(k => k.Name == name, ct), Token)).ToString().ShouldNotContain("PRIVATE");
        (await host.CallAsync(host.User, "listEvents", ("type", "CREATE.SSH.KEYPAIR"))).Text.ShouldContain(name);
        host.Log.Lines.ShouldAllBe(line => !line.Contains("PRIVATE KEY"));
    }

    [Fact]
    public async Task Names_and_keys_are_once_in_an_account_and_each_account_has_its_own()
    {
        (await PostAsync(host.User, "registerSSHKeyPair", ("name", "laptop"), ("publickey", Ed25519 + " me@laptop"))).ShouldSucceed().Body.GetProperty("keypair").TryGetProperty("privatekey", out _).ShouldBeFalse();
        (await PostAsync(host.User, "registerSSHKeyPair", ("name", "laptop"), ("publickey", Ecdsa))).ShouldFail(431).ErrorText!.ShouldContain("A key pair with name 'laptop' already exists");
        (await PostAsync(host.User, "createSSHKeyPair", ("name", "laptop"))).ShouldFail(431);
        (await PostAsync(host.User, "registerSSHKeyPair", ("name", "again"), ("publickey", Ed25519))).ShouldFail(431).ErrorText!.ShouldContain("laptop");
        (await PostAsync(host.User, "registerSSHKeyPair", ("name", "a,b"), ("publickey", Ecdsa))).ShouldFail(431).ErrorText!.ShouldContain("commas");
        (await PostAsync(host.User, "registerSSHKeyPair", ("name", "bad"), ("publickey", "ssh-rsa AAAA"))).ShouldFail(431).ErrorText!.ShouldContain("Public key is invalid");
        (await PostAsync(host.Other, "registerSSHKeyPair", ("name", "laptop"), ("publickey", Ed25519))).ShouldSucceed();
        (await PostAsync(host.Other, "registerSSHKeyPair", ("name", "mine"), ("publickey", Ecdsa), ("account", host.User.Account.Name), ("domainid", host.User.Domain.Id.ToString()))).ShouldFail(531);

        var mine = (await host.CallAsync(host.User, "listSSHKeyPairs", ("keyword", "lapt"), ("listall", "true"))).List("sshkeypair").Single();
        mine.GetProperty("account").GetString().ShouldBe(host.User.Account.Name);
        (await host.CallAsync(host.Other, "listSSHKeyPairs", ("id", mine.GetProperty("id").GetString()!))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "listSSHKeyPairs", ("name", "laptop"), ("listall", "true"))).List("sshkeypair").Length.ShouldBe(2);
        (await host.CallAsync(host.User, "listSSHKeyPairs", ("fingerprint", "0B:9E:09:12:EE:EE:97:B3:F4:D8:C6:C6:55:00:B1:20"))).List("sshkeypair").Length.ShouldBe(1);

        // An administrator for the account; who names none, for the own.
        (await PostAsync(host.Admin, "deleteSSHKeyPair", ("name", "laptop"))).ShouldFail(431).ErrorText!.ShouldContain($"A key pair with name 'laptop' does not exist for account {host.Admin.Account.Name}");
        (await PostAsync(host.Admin, "deleteSSHKeyPair", ("name", "laptop"), ("account", host.User.Account.Name), ("domainid", host.User.Domain.Id.ToString()))).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(host.User, "listSSHKeyPairs", ("name", "laptop"))).Text.ShouldBe("""{"listsshkeypairsresponse":{}}""");
        (await PostAsync(host.Other, "deleteSSHKeyPair", ("name", "laptop"))).ShouldSucceed();
    }

    [Fact]
    public async Task A_vm_has_copies_of_the_keys_that_it_was_given_and_gets_others_while_it_is_stopped()
    {
        var (one, two) = (Rows.SshKeyPair(host.User), Rows.SshKeyPair(host.User));
        var others = Rows.SshKeyPair(host.Other);
        await host.InsertAsync(one, two, others);
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(host.Admin, isPublic: true));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        (string, string)[] deploy = [("serviceofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("templateid", template.Id.ToString()), ("startvm", "false")];

        foreach (var (parameter, value, named) in new[] { ("keypair", "nokey", "nokey"), ("keypairs", $"{one.Name},{others.Name}", others.Name) })
        {
            (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, (parameter, value)])).ShouldFail(431).ErrorText.ShouldBe($"A key pair with name '{named}' was not found.");
        }

        var id = (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("keypair", one.Name), ("keypairs", $"{two.Name},{one.Name}")])).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await PostAsync(host.User, "deleteSSHKeyPair", ("name", one.Name))).ShouldSucceed();
        var shown = (await host.CallAsync(host.User, "listVirtualMachines", ("keypair", one.Name.ToUpperInvariant()))).List("virtualmachine").Single();
        shown.GetProperty("id").GetString().ShouldBe(id);
        shown.GetProperty("keypairs").GetString()!.Split(',').ShouldBe([one.Name, two.Name], ignoreOrder: true);
        StoredText.Map((await RowAsync(id)).SshKeys)[one.Name].ShouldBe(one.PublicKey);

        (await PostAsync(host.User, "resetSSHKeyForVirtualMachine", ("id", id))).ShouldFail(431).ErrorText!.ShouldContain("keypair");
        (await PostAsync(host.User, "resetSSHKeyForVirtualMachine", ("id", id), ("keypair", one.Name))).ShouldFail(431).ErrorText!.ShouldContain(one.Name);
        (await PostAsync(host.Other, "resetSSHKeyForVirtualMachine", ("id", id), ("keypair", others.Name))).ShouldFail(431);
        var job = (await PostAsync(host.User, "resetSSHKeyForVirtualMachine", ("id", id), ("keypairs", two.Name))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).Body.GetProperty("jobresult").GetProperty("virtualmachine").GetProperty("keypairs").GetString().ShouldBe(two.Name);
        await PostAsync(host.Admin, "resetSSHKeyForVirtualMachine", ("id", id), ("keypair", others.Name), ("account", host.Other.Account.Name), ("domainid", host.Other.Domain.Id.ToString()));
        StoredText.Map((await RowAsync(id)).SshKeys).Keys.ShouldBe([others.Name]);

        var running = Rows.Vm(host.User, host.Zone.Id, offering) with { State = VmState.Running };
        await host.InsertAsync(running);
        (await PostAsync(host.User, "resetSSHKeyForVirtualMachine", ("id", running.Id.ToString()), ("keypair", two.Name))).ShouldFail(431).ErrorText!.ShouldContain($"Vm {running.Name} ({running.Id}) should be stopped");
    }

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => host.SendAsync(user, HttpMethod.Post, command, parameters);

    private Task<VmRow> RowAsync(string id) => host.Database.ReadAsync((db, ct) => db.Vms.SingleAsync(v => v.Id == new Core.Ids.VmId(Guid.Parse(id)), ct), Token);
}
