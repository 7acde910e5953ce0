using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Server.Accounts;
using Holdfast.Server.Offerings;
using Holdfast.Server.Security;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Reconcile;
using LinqToDB;
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
        var (apiKey, secret) = ("KEY" + Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        var user = Node.Admin.UserId;
        var sealedSecret = Node.Service<SecretBox>().Seal(SecretPurpose.UserSecretKey(user), new Secret(secret));
        await Node.Database.WriteAsync((db, ct) => db.Users.Where(u => u.Id == user).Set(u => u.ApiKey, apiKey).Set(u => u.SecretKey, sealedSecret).UpdateAsync(ct), Token);

        // Libcloud has no way to make one.
        await Node.SucceedAsync(await Node.Service<IProjectOperations>().CreateAsync(Node.Admin, new CreateProject { Name = "toured", DisplayText = "A project" }, Token));

        var start = new ProcessStartInfo(Python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(OwnFolder(), "libcloud-tour.py"));
        start.ArgumentList.Add(new Uri(Node.Api, "/client/api").ToString());
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(new { apikey = apiKey, secretkey = secret, offering = offering.Name, template = "tiny", publickey = PublicKey }));
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Token), process.StandardError.ReadToEndAsync(Token));
        await process.WaitForExitAsync(Token);

        process.ExitCode.ShouldBe(0, await output + await error);
    }

    private static string OwnFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
