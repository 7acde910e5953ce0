using System.Text.Json;
using Holdfast.Server.Accounts;
using Holdfast.Server.Offerings;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Reconcile;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Clients;

/// <summary>Apache Libcloud (Debian package python3-libcloud) against a server with a host that does what it is told.</summary>
public sealed class LibcloudTests : NodeTests
{
    private const string Python = "/usr/bin/python3";
    private const string PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzDMMf8QmSFJRGkNpmKmGZnYxlm5yPKlYVdfPqRTuzp someone@example";
    private static readonly bool IsInstalled = File.Exists(Python) && Directory.Exists("/usr/lib/python3/dist-packages/libcloud");

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task A_users_tour()
    {
        Assert.SkipUnless(IsInstalled, "the Debian package python3-libcloud is not installed");
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        await Node.AddTemplateAsync();
        var offering = await Node.OfferingAsync(null);
        TestNode.Done(await Node.Service<IOfferingOperations>().CreateDiskOfferingAsync(Node.Admin, new CreateDiskOffering { Name = "any", Customized = true }, Token));
        var keys = await ClientProgram.KeysOfAdminAsync(Node);

        // Libcloud has no way to make one.
        await Node.SucceedAsync(await Node.Service<IProjectOperations>().CreateAsync(Node.Admin, new CreateProject { Name = "toured", DisplayText = "A project" }, Token));

        var (code, output, error) = await ClientProgram.RunAsync(
            Python,
            [Path.Combine(ClientProgram.OwnFolder(), "libcloud-tour.py"), new Uri(Node.Api, "/client/api").ToString()],
            [],
            Token,
            JsonSerializer.Serialize(new { apikey = keys.ApiKey, secretkey = keys.SecretKey, offering = offering.Name, template = "tiny", publickey = PublicKey }));

        code.ShouldBe(0, output + error);
    }
}
