using System.Text;
using System.Text.Json;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Ingest;
using Holdfast.Core.Guests;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.GuestDrives;

/// <summary>What Debian's own cloud-init makes of the drives: eng/cloud-root has it boot with them.</summary>
[Trait("Category", "Qemu")]
public sealed class CloudInitTests
{
    // What the script ends with then.
    private const int NoMirror = 75;

    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private const string OtherKey = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBO0ZaZoQ4tGAImsxp9TAS9ceze70Lt9kbi8mFSO4Y0ERZSedW+XEXr0dDANNx7GrAKiVzXPAiH3RARZbFPsO+lo=";
    private static readonly string[] Macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"];

    [Fact]
    public async Task A_guest_has_its_name_key_password_network_and_user_data_once_and_the_new_ones_after_a_reset()
    {
        Assert.SkipUnless(Environment.UserName == "root", "namespaces and a file system of Debian's need root");
        var root = await UnpackAsync();
        try
        {
            var told = Samples.Told() with
            {
                PublicKeys = new Dictionary<string, string> { ["laptop"] = Key },
                Password = new Secret("first \"secret\""),
                UserData = Base64("## template: jinja\n#cloud-config\nruncmd:\n  - [sh, -c, 'echo {{ ds.meta_data.role }} >>/ran']\n"),
                Variables = new Dictionary<string, string> { ["role"] = "web" },
            };
            await BootAsync(root, told);
            Read(root, "told-hostname").ShouldBe("web");
            Keys(root).ShouldBe([Key]);
            (await HasPasswordAsync(root, "first \"secret\"")).ShouldBeTrue();
            Read(root, "ran").ShouldBe("web");
            Read(root, "var/lib/cloud/data/instance-id").ShouldBe($"{Samples.Vm}-1");
            var data = JsonDocument.Parse(Read(root, "told-instance-data")).RootElement.GetProperty("v1");
            data.GetProperty("availability_zone").GetString().ShouldBe(told.ZoneName);
            var interfaces = Read(root, "etc/network/interfaces.d/50-cloud-init");
            interfaces.ShouldContain("iface eth0 inet dhcp");
            interfaces.ShouldContain("iface eth1 inet manual");
            var hostKey = Read(root, "etc/ssh/ssh_host_ed25519_key.pub");

            // Another start with nothing new, for which the server tells no password any more: what was changed inside stays.
            await Tool.RunAsync("chroot", root, "sh", "-c", "echo debian:changed-inside | chpasswd");
            await BootAsync(root, told with { Password = null });
            (await HasPasswordAsync(root, "changed-inside")).ShouldBeTrue();
            Read(root, "ran").ShouldBe("web");
            Read(root, "etc/ssh/ssh_host_ed25519_key.pub").ShouldBe(hostKey);

            // After a reset all of it is done once more.
            await BootAsync(root, told with { Told = 2, PublicKeys = new Dictionary<string, string> { ["desk"] = OtherKey }, Password = new Secret("second") });
            Keys(root).ShouldContain(OtherKey);
            (await HasPasswordAsync(root, "second")).ShouldBeTrue();
            Read(root, "ran").ShouldBe("web\nweb");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task User_data_that_is_compressed_is_unpacked_by_the_guest_and_a_caller_overrules_the_password()
    {
        Assert.SkipUnless(Environment.UserName == "root", "namespaces and a file system of Debian's need root");
        var root = await UnpackAsync();
        try
        {
            using var packed = new MemoryStream();
            await using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionMode.Compress, leaveOpen: true))
            {
                await gzip.WriteAsync("#cloud-config\npassword: of the caller\nwrite_files:\n  - path: /written\n    content: by the caller\n"u8.ToArray(), TestContext.Current.CancellationToken);
            }

            await BootAsync(root, Samples.Told() with { Password = new Secret("of the server"), UserData = Convert.ToBase64String(packed.ToArray()) });

            Read(root, "written").ShouldBe("by the caller");
            (await HasPasswordAsync(root, "of the caller")).ShouldBeTrue();
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>What the server makes of a template's user data and a VM's own: lists go on, whatever both are written in, and of what both name the template's holds.</summary>
    [Fact]
    public async Task User_data_of_a_template_and_of_a_vm_are_both_carried_out()
    {
        Assert.SkipUnless(Environment.UserName == "root", "namespaces and a file system of Debian's need root");
        var root = await UnpackAsync();
        try
        {
            using var packed = new MemoryStream();
            await using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionMode.Compress, leaveOpen: true))
            {
                await gzip.WriteAsync(
                    "#cloud-config\nruncmd:\n  - [sh, -c, 'echo own >>/ran']\ntimezone: Etc/GMT+2\nwrite_files:\n  - path: /own\n    content: own\n"u8.ToArray(), TestContext.Current.CancellationToken);
            }

            var template = Base64("## template: jinja\n#cloud-config\nruncmd:\n  - [sh, -c, 'echo {{ ds.meta_data.role }} >>/ran']\ntimezone: Etc/GMT+1\nwrite_files:\n  - path: /of-template\n    content: of template\n");
            var own = CombinedUserData.Of(Convert.ToBase64String(packed.ToArray()), Base64("#!/bin/sh\necho script >/of-script\n"), 1 << 20).ShouldNotBeNull();
            await BootAsync(root, Samples.Told() with { UserData = CombinedUserData.Of(template, own, 1 << 20), Variables = new Dictionary<string, string> { ["role"] = "web" } });

            Read(root, "ran").ShouldBe("web\nown");
            Read(root, "of-template").ShouldBe("of template");
            Read(root, "own").ShouldBe("own");
            Read(root, "of-script").ShouldBe("script");
            Read(root, "etc/timezone").ShouldBe("Etc/GMT+1");

            // The same when it had to be compressed.
            await BootAsync(root, Samples.Told() with { Told = 2, UserData = CombinedUserData.Of(template, own, 1900), Variables = new Dictionary<string, string> { ["role"] = "db" } });
            Read(root, "ran").ShouldBe("web\nown\ndb\nown");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<string> UnpackAsync()
    {
        var built = await Tool.TryAsync(TimeSpan.FromMinutes(8), Script("build"));
        Assert.SkipWhen(built.Code == NoMirror, "Debian's mirror cannot be reached");
        var archive = built.Code == 0 ? built.Output.Trim() : throw new InvalidOperationException($"eng/cloud-root/build failed: {built.Error}");
        var root = Directory.CreateTempSubdirectory("holdfast-cloud-").FullName;

        // As a file system's root is, so that whoever is not root gets anywhere.
        File.SetUnixFileMode(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await Tool.RunAsync("tar", "-x", "-C", root, "-f", archive);
        return root;
    }

    private static async Task BootAsync(string root, GuestTold told)
    {
        using var folder = new TempFolder();
        var drives = new IsoDrives(folder["drives"], SandboxMode.Bubblewrap, TimeProvider.System, NullLogger<IsoDrives>.Instance);
        var drive = (await drives.MakeAsync(told.VmId, DriveContent.Of(told, Macs), null, TestContext.Current.CancellationToken)).ShouldBeOfType<DriveOutcome.Made>().Path;
        var place = Path.Combine(root, "config-drive");
        if (Directory.Exists(place))
        {
            // As on the drive, nothing in it can be written.
            await Tool.RunAsync("rm", "-rf", place);
        }

        await Tool.RunAsync("xorriso", "-no_rc", "-osirrox", "on", "-indev", drive, "-extract", "/", place);
        (await Tool.TryAsync(TimeSpan.FromMinutes(2), Script("boot"), [root, .. Macs])).ShouldSatisfyAllConditions(result => result.Code.ShouldBe(0, result.Output + result.Error));
    }

    private static string Script(string name) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "eng", "cloud-root", name));

    private static string Read(string root, string path) => File.ReadAllText(Path.Combine(root, path)).Trim();

    private static string[] Keys(string root) => Read(root, "home/debian/.ssh/authorized_keys").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // By Debian's own crypt, of Debian's own file.
    private static async Task<bool> HasPasswordAsync(string root, string password) =>
        (await Tool.RunAsync(
            "chroot", root, "/usr/bin/python3", "-W", "ignore", "-c",
            "import crypt, spwd, sys; kept = spwd.getspnam('debian').sp_pwdp; print(crypt.crypt(sys.argv[1], kept) == kept)", password)).Trim() == "True";

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
