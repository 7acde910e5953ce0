using Holdfast.DriverKit.Conformance;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Directory;

/// <summary>One folder, one pool: what the folder really is decides, not how it is written.</summary>
public sealed class DirectorySharingTests : IAsyncDisposable
{
    private readonly DirectoryTarget _target = new("qcow2");
    private readonly List<DriverProcess> _processes = [];
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("hf-sharing-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Pools => Path.Combine(_root, "pools");

    [Theory]
    [InlineData("same", false)]
    [InlineData("slash", false)]
    [InlineData("link", false)]
    [InlineData("below a link", false)]
    [InlineData("below", false)]
    [InlineData("deep below", false)]
    [InlineData("above", false)]
    [InlineData("same", true)]
    [InlineData("below", true)]
    public async Task A_second_pool_on_the_folder_of_another_is_refused_by_its_name(string how, bool shared)
    {
        var first = Path.Combine(_root, "srv", "p");
        System.IO.Directory.CreateDirectory(Path.Combine(_root, "srv"));
        var (a, _) = await ServeAsync("first", first);
        (await a.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        System.IO.Directory.CreateDirectory(Path.Combine(first, "x"));
        File.CreateSymbolicLink(Path.Combine(_root, "link"), first);
        var path = how switch
        {
            "same" => first,
            "slash" => first + "/",
            "link" => Path.Combine(_root, "link"),
            "below a link" => Path.Combine(_root, "link", "sub"),
            "below" => Path.Combine(first, "sub"),
            "deep below" => Path.Combine(first, "x", "sub"),
            _ => Path.Combine(_root, "srv"),
        };
        var before = System.IO.Directory.EnumerateFileSystemEntries(Path.Combine(_root, "srv"), "*", SearchOption.AllDirectories).Order().ToList();

        var (b, _) = await ServeAsync("second", path, shared);
        var status = (await b.ProbeAsync()).Ok();

        status.ControlPlane.ShouldBe(PlaneHealth.Down);
        status.Error!.Code.ShouldBe(DriverErrorCode.Invalid);
        status.Error.Text.ShouldContain("'first'");
        (await b.EnsureAsync(ConformanceRun.NewVolume(), 1, _target.Size)).Fails(DriverErrorCode.Invalid);
        System.IO.Directory.EnumerateFileSystemEntries(Path.Combine(_root, "srv"), "*", SearchOption.AllDirectories).Order().ToList().ShouldBe(before, customMessage: "nothing was made");
        (await a.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    /// <summary>A pool that was moved to another pool's folder named the disks of that pool's running guests as its own attachments that nobody knew.</summary>
    [Fact]
    public async Task A_pool_on_the_folder_of_another_speaks_for_nothing_that_is_open_in_it()
    {
        var path = Path.Combine(_root, "p");
        var (a, _) = await ServeAsync("first", path);
        (await a.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        await using var image = new FileStream(Path.Combine(path, $"hf-{Guid.NewGuid():D}.qcow2"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        var (b, _) = await ServeAsync("second", path);
        (await b.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Down);

        (await a.AttachmentsAsync()).Ok().Attachments.ShouldHaveSingleItem().InUse.ShouldBe(true);
        (await b.AttachmentsAsync()).Ok().Attachments.ShouldBeEmpty();
    }

    [Fact]
    public async Task Folders_beside_each_other_are_two_pools()
    {
        var (a, _) = await ServeAsync("first", Path.Combine(_root, "p"));
        var (b, _) = await ServeAsync("second", Path.Combine(_root, "p2"));

        (await a.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        (await b.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    [Fact]
    public async Task The_folder_of_a_pool_that_was_removed_from_the_host_can_be_a_pool_again()
    {
        var path = Path.Combine(_root, "p");
        var (a, former) = await ServeAsync("first", path);
        (await a.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        await _processes[0].KillAsync();
        System.IO.Directory.Delete(Path.Combine(Pools, former.Value.ToString("N")), recursive: true);

        var (b, _) = await ServeAsync("second", path);

        (await b.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        (await File.ReadAllTextAsync(Path.Combine(path, ".holdfast-pool"), Token)).ShouldContain("second");
    }

    [Fact]
    public async Task Shared_storage_with_volumes_of_a_pool_that_may_be_on_other_hosts_is_not_taken_over()
    {
        var path = System.IO.Directory.CreateDirectory(Path.Combine(_root, "p")).FullName;
        var (a, elsewhere) = await ServeAsync("first", path, shared: true);
        (await a.EnsureAsync(ConformanceRun.NewVolume(), 1, _target.Size)).Ok();
        System.IO.Directory.Delete(Path.Combine(Pools, elsewhere.Value.ToString("N")), recursive: true);

        var (b, _) = await ServeAsync("second", path, shared: true);

        var error = (await b.ProbeAsync()).Ok().Error!;
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain("'first'");
    }

    /// <summary>A host on which the file system was not mounted made a folder of its own, and wrote volumes that no other host had.</summary>
    [Fact]
    public async Task A_shared_folder_that_is_missing_is_not_made()
    {
        var path = Path.Combine(_root, "p");
        var (a, _) = await ServeAsync("first", path, shared: true);

        (await a.ProbeAsync()).Ok().Error!.Text.ShouldContain("a folder that hosts share is not made");
        System.IO.Directory.Exists(path).ShouldBeFalse();
    }

    [Fact]
    public async Task A_mark_that_cannot_be_read_is_nobodys_to_take()
    {
        var path = Path.Combine(_root, "p");
        System.IO.Directory.CreateDirectory(path);
        await File.WriteAllTextAsync(Path.Combine(path, ".holdfast-pool"), "{", Token);

        var (a, _) = await ServeAsync("first", path);

        (await a.ProbeAsync()).Ok().Error!.Code.ShouldBe(DriverErrorCode.Invalid);
        (await File.ReadAllTextAsync(Path.Combine(path, ".holdfast-pool"), Token)).ShouldBe("{");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        await _target.DisposeAsync();
        System.IO.Directory.Delete(_root, recursive: true);
    }

    private async Task<(DriverClient Client, PoolId Pool)> ServeAsync(string name, string path, bool shared = false)
    {
        var pool = PoolId.From(Guid.CreateVersion7());
        var own = System.IO.Directory.CreateDirectory(Path.Combine(Pools, pool.Value.ToString("N"))).FullName;
        var startup = new DriverStartup
        {
            Protocol = DriverPaths.ProtocolVersion,
            PoolId = pool,
            PoolName = name,
            Generation = Generation.First,
            Socket = Path.Combine(own, "s"),
            StateFolder = System.IO.Directory.CreateDirectory(Path.Combine(own, "state")).FullName,
            PoolsFolder = Pools,
            NodeName = "here",
            Config = new Dictionary<string, string> { ["path"] = path, ["shared"] = shared ? "true" : "false" },
        };
        var (process, ready) = await DriverProcess.StartAsync(_target.Executable, startup, Token);
        _processes.Add(process);
        ready.Ready.ShouldBeTrue(ready.Error?.Text);
        return (new DriverClient(startup.Socket, _target.Deadline, new MadeObjects()), pool);
    }
}
