using Holdfast.Agent.Bindings;
using Holdfast.Agent.Bindings.Processes;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Bindings;

public sealed class DriverFilesTests : IDisposable
{
    private const UnixFileMode Runnable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead;
    private readonly TempFolder _folder = new();
    private readonly DriverFiles _files;

    public DriverFilesTests()
    {
        Directory.CreateDirectory(_folder["drivers"]);
        Directory.CreateDirectory(_folder["linstor-1.0/parts"]);
        Write("linstor-1.0/start", "#!/bin/sh\n");
        File.SetUnixFileMode(_folder["linstor-1.0/start"], Runnable);
        Write("linstor-1.0/parts/some.dll", "one");
        File.CreateSymbolicLink(_folder["drivers/holdfast-driver-linstor"], _folder["linstor-1.0/start"]);
        _files = new DriverFiles(_folder["drivers"], _folder["data"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_name_is_listed_and_what_is_no_driver_is_not()
    {
        Write("drivers/holdfast-driver-UPPER", "");
        Write("drivers/else", "");
        _files.Installed().ShouldBe(["linstor"]);
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("../linstor")]
    [InlineData("")]
    public void What_is_not_there_has_no_build_and_nothing_wrong(string driver)
    {
        var installation = _files.Look(driver);
        installation.Build.ShouldBeNull();
        installation.Wrong.ShouldBeNull();
    }

    [Fact]
    public void The_same_files_are_the_same_build_and_any_other_file_is_another()
    {
        var first = Build();
        Build().ShouldBe(first);
        Write("linstor-1.0/parts/some.dll", "other");
        var second = Build();
        second.ShouldNotBe(first);
        Write("linstor-1.0/parts/more.dll", "");
        Build().ShouldNotBe(second);
        File.Delete(_folder["linstor-1.0/parts/more.dll"]);
        Build().ShouldBe(second);
        File.SetLastWriteTimeUtc(_folder["linstor-1.0/parts/some.dll"], DateTime.UnixEpoch);
        Build().ShouldNotBe(second);
    }

    [Fact]
    public async Task A_kept_build_stays_what_it_is_when_the_files_are_replaced_in_place()
    {
        var build = Build();
        _files.Kept("linstor", build).ShouldBeNull();
        var executable = await _files.KeepAsync("linstor", build);
        Write("linstor-1.0/parts/some.dll", "two");
        Write("linstor-1.0/start", "broken");
        _files.Kept("linstor", build).ShouldBe(executable);
        var folder = Path.GetDirectoryName(executable)!;
        (await File.ReadAllTextAsync(Path.Combine(folder, "parts/some.dll"), TestContext.Current.CancellationToken)).ShouldBe("one");
        (await File.ReadAllTextAsync(executable, TestContext.Current.CancellationToken)).ShouldBe("#!/bin/sh\n");
        new FileInfo(File.ResolveLinkTarget(executable, returnFinalTarget: true)?.FullName ?? executable).UnixFileMode.ShouldBe(Runnable);
    }

    [Fact]
    public async Task A_build_that_is_not_installed_any_more_is_not_copied()
    {
        var build = Build();
        Write("linstor-1.0/parts/some.dll", "two");
        (await Should.ThrowAsync<IOException>(() => _files.KeepAsync("linstor", build))).Message.ShouldContain("'linstor'");
        _files.Kept("linstor", build).ShouldBeNull();
        _files.Kept("linstor", Build()).ShouldBeNull();
    }

    [Fact]
    public async Task Several_pools_that_start_at_a_time_share_one_copy()
    {
        var build = Build();
        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _files.KeepAsync("linstor", build)));
        all.Distinct().Count().ShouldBe(1);
        File.Exists(all[0]).ShouldBeTrue();
    }

    [Fact]
    public async Task A_copy_that_was_cut_short_is_made_again()
    {
        var build = Build();
        Directory.CreateDirectory(_folder[$"data/driver-builds/linstor/{build}.new/parts"]);
        Write($"data/driver-builds/linstor/{build}.new/parts/some.dll", "half");
        _files.Kept("linstor", build).ShouldBeNull();
        var executable = await _files.KeepAsync("linstor", build);
        (await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(executable)!, "parts/some.dll"), TestContext.Current.CancellationToken)).ShouldBe("one");
    }

    [Fact]
    public async Task What_no_pool_needs_is_swept_away()
    {
        var first = Build();
        await _files.KeepAsync("linstor", first);
        Write("linstor-1.0/parts/some.dll", "two");
        var second = Build();
        await _files.KeepAsync("linstor", second);
        _files.Sweep(new HashSet<(string, DriverBuild)> { ("linstor", second) });
        _files.Kept("linstor", first).ShouldBeNull();
        _files.Kept("linstor", second).ShouldNotBeNull();
        _files.Sweep(new HashSet<(string, DriverBuild)>());
        Directory.GetFileSystemEntries(_folder["data/driver-builds"]).ShouldBeEmpty();
    }

    [Fact]
    public void A_folder_that_is_more_than_a_driver_is_refused_by_name()
    {
        for (var i = 0; i < 2000; i++)
        {
            Write($"linstor-1.0/{i}", "");
        }

        var installation = _files.Look("linstor");
        installation.Build.ShouldBeNull();
        installation.Wrong.ShouldNotBeNull().ShouldContain(_folder["linstor-1.0"]);
    }

    private DriverBuild Build() => _files.Look("linstor").Build ?? throw new InvalidOperationException("There is no build.");

    private void Write(string name, string content) => File.WriteAllText(_folder[name], content);
}
