using Holdfast.DriverKit.Conformance;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Directory;

/// <summary>What the directory driver does when its folder is not what it was.</summary>
public sealed class DirectoryFolderTests : IAsyncDisposable
{
    private readonly DirectoryTarget _target = new("qcow2");

    [Fact]
    public async Task AnImageWithoutARecordIsNotTouched()
    {
        await using var run = await OpenAsync();
        (await run.Client.ProbeAsync()).Ok();
        var volume = ConformanceRun.NewVolume();
        var image = Path.Combine(run.Startup.Config["path"], $"hf-{volume}.qcow2");
        await File.WriteAllTextAsync(image, "somebody's", TestContext.Current.CancellationToken);

        (await run.Client.EnsureAsync(volume, 1, run.Size)).Fails(DriverErrorCode.Invalid).Text.ShouldContain(image);
        (await run.Client.DeleteAsync(volume, 1)).Fails(DriverErrorCode.Invalid);
        (await run.Client.AttachAsync(volume, 1)).Fails(DriverErrorCode.Invalid);

        (await File.ReadAllTextAsync(image, TestContext.Current.CancellationToken)).ShouldBe("somebody's");
        var listed = (await run.Client.VolumesAsync()).Ok();
        listed.Volumes.ShouldBeEmpty();
        listed.Strays.ShouldHaveSingleItem().ShouldBe(new StrayVolume(Path.GetFileName(image), "it has no record beside it"));
    }

    [Fact]
    public async Task ADamagedRecordMakesItsVolumeUntouchableAndNoOther()
    {
        await using var run = await OpenAsync();
        var (damaged, other) = (await run.VolumeAsync(), await run.VolumeAsync());
        await File.WriteAllTextAsync(Path.Combine(run.Startup.Config["path"], $"hf-{damaged}.json"), "{", TestContext.Current.CancellationToken);

        (await run.Client.DeleteAsync(damaged, 1)).Fails(DriverErrorCode.Invalid);
        (await run.Client.GetAsync(damaged)).Fails(DriverErrorCode.Invalid);
        (await run.Client.GetAsync(other)).Ok();
        var listed = (await run.Client.VolumesAsync()).Ok();
        listed.Volumes.ShouldHaveSingleItem().VolumeId.ShouldBe(other);
        var stray = listed.Strays.ShouldHaveSingleItem();
        stray.Name.ShouldBe($"hf-{damaged}.json");
        stray.Why.ShouldContain("damaged");
    }

    [Fact]
    public async Task AnUnmountedFolderIsDownAndNothingIsWrittenBelowIt()
    {
        await using var run = await OpenAsync();
        var volume = await run.VolumeAsync();
        var path = run.Startup.Config["path"];

        // What is left when a file system is unmounted: an empty folder.
        System.IO.Directory.Move(path, path + ".elsewhere");
        System.IO.Directory.CreateDirectory(path);

        var status = (await run.Client.ProbeAsync()).Ok();
        status.ControlPlane.ShouldBe(PlaneHealth.Down);
        status.Error!.Text.ShouldContain("mounted");
        (await run.Client.EnsureAsync(ConformanceRun.NewVolume(), 1, run.Size)).Fails(DriverErrorCode.Unreachable);
        (await run.Client.GetAsync(volume)).Fails(DriverErrorCode.Unreachable);
        (await run.Client.DeleteAsync(volume, 1)).Fails(DriverErrorCode.Unreachable);
        System.IO.Directory.EnumerateFileSystemEntries(path).ShouldBeEmpty();

        System.IO.Directory.Delete(path);
        System.IO.Directory.Move(path + ".elsewhere", path);
        (await run.Client.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        (await run.Client.GetAsync(volume)).Ok();
    }

    [Fact]
    public async Task AFolderThatIsGoneIsNotMadeAgain()
    {
        await using var run = await OpenAsync();
        var path = run.Startup.Config["path"];
        (await run.Client.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Up);
        System.IO.Directory.Delete(path, recursive: true);

        (await run.Client.ProbeAsync()).Ok().ControlPlane.ShouldBe(PlaneHealth.Down);
        (await run.Client.EnsureAsync(ConformanceRun.NewVolume(), 1, run.Size)).Fails(DriverErrorCode.Unreachable);
        System.IO.Directory.Exists(path).ShouldBeFalse();
    }

    [Fact]
    public async Task LeftOversOfAnInterruptedCallAreRemovedByTheNextOne()
    {
        await using var run = await OpenAsync();
        (await run.Client.ProbeAsync()).Ok();
        var volume = ConformanceRun.NewVolume();
        var left = Path.Combine(run.Startup.Config["path"], $".hf-{volume}.0123.tmp");
        await File.WriteAllTextAsync(left, "half", TestContext.Current.CancellationToken);

        (await run.Client.EnsureAsync(volume, 1, run.Size)).Ok();

        File.Exists(left).ShouldBeFalse();
    }

    [Fact]
    public async Task ACloneNamesTheImageBehindIt_AndKeepsItFromBeingDeleted()
    {
        await using var run = await OpenAsync();
        var template = await run.TemplateAsync(0x10);
        var clone = ConformanceRun.NewVolume();
        (await run.Client.EnsureAsync(clone, 1, run.Size, new VolumeSource.FromVolume(template))).Ok();

        var file = (await run.Client.AttachAsync(clone, 1)).Ok().Source.ShouldBeOfType<DiskSource.File>();

        file.Format.ShouldBe("qcow2");
        file.Backing!.ShouldHaveSingleItem().ShouldBe(new BackingImage(Path.Combine(run.Startup.Config["path"], $"hf-{template}.qcow2"), "qcow2"));
        (await run.Client.DeleteAsync(template, 1)).Fails(DriverErrorCode.Busy).Text.ShouldContain(clone.ToString());
    }

    [Theory]
    [InlineData("workers", "many")]
    [InlineData("queue", "-1")]
    [InlineData("probeSeconds", "0")]
    public async Task AWrongSettingOfTheKitIsRefusedByItsName(string name, string value)
    {
        await using var run = await ConformanceRun.OpenAsync(_target, TestContext.Current.CancellationToken);
        var startup = run.Startup with { Config = new Dictionary<string, string>(run.Startup.Config) { [name] = value } };

        var (process, ready) = await DriverKit.Conformance.Driving.DriverProcess.StartAsync(_target.Executable, startup, TestContext.Current.CancellationToken);

        await using (process)
        {
            ready.Ready.ShouldBeFalse();
            ready.Error!.Text.ShouldContain($"'{name}'");
            (await process.EndAsync(TestContext.Current.CancellationToken)).ShouldBe(2);
        }
    }

    public ValueTask DisposeAsync() => _target.DisposeAsync();

    private async Task<ConformanceRun> OpenAsync()
    {
        var run = await ConformanceRun.OpenAsync(_target, TestContext.Current.CancellationToken);
        await run.StartAsync();
        return run;
    }
}
