using System.Collections.Concurrent;
using System.Xml.Linq;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Machines;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging.Abstractions;
using Holdfast.Testing;

namespace Holdfast.Libvirt.Tests.Hypervisor;

/// <summary>The adapter against a real libvirtd and real QEMUs.</summary>
[Trait("Category", "Qemu")]
public sealed class LibvirtHypervisorTests : IClassFixture<PrivateLibvirt>, IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly PrivateLibvirt _libvirt;
    private readonly ITestOutputHelper _output;
    private readonly List<VmId> _machines = [];
    private readonly ConcurrentQueue<HypervisorEvent> _seen = new();
    private readonly CancellationTokenSource _reading = new();
    private LibvirtHypervisor _hypervisor = null!;

    public LibvirtHypervisorTests(PrivateLibvirt libvirt, ITestOutputHelper output)
    {
        _libvirt = libvirt;
        _output = output;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(_libvirt.Missing is not null, _libvirt.Missing ?? "");
        _hypervisor = Connect();
        _ = FollowAsync(_hypervisor);
        await SeenAsync<HypervisorEvent.ResyncNeeded>(_ => true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_hypervisor is not null)
        {
            foreach (var machine in _machines)
            {
                await _hypervisor.DestroyAsync(machine, Bound, CancellationToken.None);
            }

            await _hypervisor.DisposeAsync();
        }

        await _reading.CancelAsync();
        _reading.Dispose();
    }

    [Fact]
    public async Task A_guest_with_room_takes_more_memory_and_processors_while_it_runs_and_no_more_than_it_has_room_for()
    {
        var root = NewVolume();
        var spec = Spec(await AcceleratorAsync(), Disk(root, "vda", await _libvirt.MakeBootDiskAsync($"{root}.qcow2"), "qcow2")) with { MemoryMiB = 160, Cpus = 1, MaxCpus = 3, MaxMemoryMiB = 416 };
        var started = (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>().Domain;
        (started.Cpus, started.MemoryMiB).ShouldBe((1, 160));
        await SerialAsync(spec, "size cpus 0 memory");

        for (var i = 0; i < 2; i++)
        {
            (await _hypervisor.GrowMemoryAsync(spec.Machine, 288, Token)).ShouldBeOfType<GrowOutcome.Done>();
            (await _hypervisor.GrowCpusAsync(spec.Machine, 2, Token)).ShouldBeOfType<GrowOutcome.Done>();
        }

        (await _hypervisor.GrowCpusAsync(spec.Machine, 1, Token)).ShouldBeOfType<GrowOutcome.Done>("it has that");
        (await FoundAsync(spec.Machine)).ShouldSatisfyAllConditions(now => (now.Cpus, now.MemoryMiB).ShouldBe((2, 288)));
        await SerialAsync(spec, "size cpus 0-1 memory");
        (await _hypervisor.GrowMemoryAsync(spec.Machine, 416, Token)).ShouldBeOfType<GrowOutcome.Done>();
        (await FoundAsync(spec.Machine)).MemoryMiB.ShouldBe(416);

        foreach (var refused in new[] { await _hypervisor.GrowCpusAsync(spec.Machine, 4, Token), await _hypervisor.GrowMemoryAsync(spec.Machine, 544, Token) })
        {
            var fault = refused.ShouldBeOfType<GrowOutcome.Failed>().Fault;
            _output.WriteLine(fault.Message);
            fault.EffectUnknown.ShouldBeFalse();
        }

        (await FoundAsync(spec.Machine)).ShouldSatisfyAllConditions(now => (now.Cpus, now.MemoryMiB).ShouldBe((2, 416)));
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBeOfType<DestroyOutcome.Gone>();
        (await _hypervisor.GrowCpusAsync(spec.Machine, 3, Token)).ShouldBeOfType<GrowOutcome.NotRunning>();
    }

    [Fact]
    public async Task The_host_is_described()
    {
        var host = (await _hypervisor.DescribeHostAsync(Token)).ShouldBeOfType<DescribeOutcome.Described>().Host;
        _output.WriteLine(host.ToString());
        host.Architecture.ShouldBe("x86_64");
        host.Cpus.ShouldBe(Environment.ProcessorCount);
        host.MemoryMiB.ShouldBeGreaterThan(256);
        File.Exists(host.Emulator).ShouldBeTrue();
        host.GuestUser!.UserId.ShouldBeGreaterThan(0u);
        host.AcceleratorReason.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_guest_boots_takes_and_gives_back_a_disk_and_powers_off_when_asked()
    {
        var (root, data) = (NewVolume(), NewVolume());
        var spec = Spec(await AcceleratorAsync(), Disk(root, "vda", await _libvirt.MakeBootDiskAsync($"{root}.qcow2"), "qcow2")) with { MemoryMiB = 160 };

        var started = (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>().Domain;
        started.Disks.ShouldHaveSingleItem().Volume.ShouldBe(root);
        started.Generation.ShouldBe(spec.Generation);
        File.Exists(started.VncSocket).ShouldBeFalse("the socket belongs to another mount namespace");
        started.VncSocket.ShouldEndWith("vnc.sock");
        await SeenAsync<HypervisorEvent.Started>(hint => hint.Machine == spec.Machine);
        await SerialAsync(spec, "holdfast-guest ready");
        await SerialAsync(spec, $"disk vda 67108864 {DiskAlias.SerialOf(root)}");

        var disk = Disk(data, "vdb", await _libvirt.MakeDiskAsync($"{data}.raw"), "raw");
        (await _hypervisor.AttachDiskAsync(spec.Machine, disk, Token)).ShouldBeOfType<AttachOutcome.Attached>();
        (await _hypervisor.AttachDiskAsync(spec.Machine, disk, Token)).ShouldBe(new AttachOutcome.AlreadyAttached("vdb"));
        (await _hypervisor.AttachDiskAsync(spec.Machine, disk with { Volume = NewVolume() }, Token)).ShouldBe(new AttachOutcome.TargetTaken("vdb"));
        await SerialAsync(spec, $"disk vdb 67108864 {DiskAlias.SerialOf(data)}");
        await SerialAsync(spec, "counter vdb 2");

        (await _hypervisor.ResizeDiskAsync(spec.Machine, data, 100L << 20, Token)).ShouldBeOfType<ResizeOutcome.Resized>();
        new FileInfo(((DiskSource.File)disk.Source).Path).Length.ShouldBe(100L << 20);
        (await _hypervisor.ResizeDiskAsync(spec.Machine, NewVolume(), 100L << 20, Token)).ShouldBeOfType<ResizeOutcome.NotAttached>();

        (await _hypervisor.DetachDiskAsync(spec.Machine, data, Token)).ShouldBeOfType<DetachOutcome.Detached>();
        (await _hypervisor.DetachDiskAsync(spec.Machine, data, Token)).ShouldBeOfType<DetachOutcome.NotAttached>();
        await SeenAsync<HypervisorEvent.DeviceRemoved>(hint => hint.Machine == spec.Machine && DiskAlias.Read(hint.Alias) == data);
        await SerialAsync(spec, "gone vdb");
        (await FoundAsync(spec.Machine)).Disks.ShouldHaveSingleItem().Target.ShouldBe("vda");

        (await _hypervisor.RequestShutdownAsync(spec.Machine, Token)).ShouldBeOfType<ShutdownOutcome.Requested>();
        await SeenAsync<HypervisorEvent.Stopped>(hint => hint.Machine == spec.Machine && hint.Reason == StopReason.Shutdown);
        (await _hypervisor.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Absent>();
        (await _hypervisor.RequestShutdownAsync(spec.Machine, Token)).ShouldBeOfType<ShutdownOutcome.NotRunning>();
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: false));
    }

    [Fact]
    public async Task A_disk_is_not_told_as_absent_while_another_agent_process_has_libvirt_attach_it()
    {
        var spec = await StartAsync();
        var disk = Disk(NewVolume(), "vdb", await _libvirt.MakeDiskAsync($"{NewVolume()}.raw"), "raw");
        await using var former = Connect(Impatient);
        await using var next = Connect(Impatient);
        (await PrivateLibvirt.RunAsync("kill", "-STOP", $"{QemuPid(spec)}")).ShouldBe(0);
        (await former.AttachDiskAsync(spec.Machine, disk, Token)).ShouldBeOfType<AttachOutcome.Failed>().Fault.EffectUnknown.ShouldBeTrue();
        (await FoundAsync(spec.Machine)).Disks.ShouldNotContain(found => found.Volume == disk.Volume);
        (await next.DetachDiskAsync(spec.Machine, disk.Volume, Token)).ShouldBeOfType<DetachOutcome.Failed>().Fault.EffectUnknown.ShouldBeTrue();

        (await PrivateLibvirt.RunAsync("kill", "-CONT", $"{QemuPid(spec)}")).ShouldBe(0);
        await PluggedInAsync(spec, disk);
    }

    [Fact]
    public async Task A_disk_is_not_told_as_absent_while_a_frozen_libvirtd_has_yet_to_attach_it()
    {
        var spec = await StartAsync();
        var disk = Disk(NewVolume(), "vdb", await _libvirt.MakeDiskAsync($"{NewVolume()}.raw"), "raw");
        await using var agent = Connect(Impatient);
        (await agent.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Found>();
        await _libvirt.Daemon.FreezeDaemonAsync();
        try
        {
            (await agent.AttachDiskAsync(spec.Machine, disk, Token)).ShouldBeOfType<AttachOutcome.Failed>().Fault.EffectUnknown.ShouldBeTrue();
            (await agent.DetachDiskAsync(spec.Machine, disk.Volume, Token)).ShouldBeOfType<DetachOutcome.Failed>().Fault.ShouldBeOfType<HypervisorFault.Saturated>();
        }
        finally
        {
            await _libvirt.Daemon.ThawDaemonAsync();
        }

        await PluggedInAsync(spec, disk);

        // No system runs in the guest that would give the disk back.
        await PrivateLibvirt.UntilAsync(
            async () => await agent.DetachDiskAsync(spec.Machine, disk.Volume, Token) == new DetachOutcome.GuestHolds("vdb"), "the detach to be asked for once the attach has ended");
    }

    [Fact]
    public async Task A_guest_restarts_in_place_when_told_also_one_that_was_suspended_by_hand()
    {
        var root = NewVolume();
        var spec = Spec(await AcceleratorAsync(), Disk(root, "vda", await _libvirt.MakeBootDiskAsync($"{root}.qcow2"), "qcow2")) with { MemoryMiB = 160 };
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>();
        await SerialAsync(spec, "counter vda 1");

        (await _hypervisor.RebootAsync(spec.Machine, Token)).ShouldBeOfType<RebootOutcome.Requested>();
        await SerialAsync(spec, "holdfast-guest ready", times: 2);

        await SuspendByHandAsync(spec);
        await SeenAsync<HypervisorEvent.Paused>(hint => hint.Machine == spec.Machine && !hint.IoError);
        var paused = await FoundAsync(spec.Machine);
        (paused.Status, paused.Pause?.Reason).ShouldBe((DomainStatus.Paused, PauseReason.ByHand));
        (await _hypervisor.ResetAsync(spec.Machine, Token)).ShouldBeOfType<RebootOutcome.Requested>();
        (await FoundAsync(spec.Machine)).Status.ShouldBe(DomainStatus.Paused);
        (await _hypervisor.ResumeAsync(spec.Machine, Token)).ShouldBeOfType<ResumeOutcome.Resumed>();
        (await _hypervisor.ResumeAsync(spec.Machine, Token)).ShouldBeOfType<ResumeOutcome.AlreadyRuns>();
        await SerialAsync(spec, "holdfast-guest ready", times: 3);
        (await FoundAsync(spec.Machine)).ShouldSatisfyAllConditions(found => found.Status.ShouldBe(DomainStatus.Running), found => found.Pause.ShouldBeNull());
        (await _hypervisor.ResumeAsync(new VmId(Guid.NewGuid()), Token)).ShouldBeOfType<ResumeOutcome.NotRunning>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_boots_by_uefi_and_takes_a_disk(bool isSecure)
    {
        var files = FirmwareFiles.Find(isSecure, File.Exists);
        Assert.SkipWhen(files is null, "the package ovmf is not installed");
        var (root, data) = (NewVolume(), NewVolume());
        var variables = Path.Combine(_libvirt.Folder, $"{root}.fd");
        var spec = Spec(Accelerator.Tcg, Disk(root, "vda", await _libvirt.MakeBootDiskAsync($"{root}.qcow2"), "qcow2")) with { MemoryMiB = 256, Firmware = new DomainFirmware(files, variables, isSecure) };

        var started = await _hypervisor.StartAsync(spec, Token);
        started.ShouldBeOfType<StartOutcome.Started>(started.ToString());

        // The small guest's disk is for BIOS: that the firmware looked for what it could boot is what can be seen.
        await SerialAsync(spec, "BdsDxe");
        File.Exists(variables).ShouldBeTrue();
        (await _hypervisor.AttachDiskAsync(spec.Machine, Disk(data, "vdb", await _libvirt.MakeDiskAsync($"{data}.raw"), "raw"), Token)).ShouldBeOfType<AttachOutcome.Attached>();
        (await FoundAsync(spec.Machine)).Disks.Count.ShouldBe(2);
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBeOfType<DestroyOutcome.Gone>();
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>("the variables of before are no obstacle");
    }

    [Fact]
    public async Task A_start_that_is_repeated_changes_nothing()
    {
        var spec = await StartAsync();
        var again = await _hypervisor.StartAsync(spec with { Generation = spec.Generation.Next, Cpus = 2 }, Token);
        again.ShouldBeOfType<StartOutcome.AlreadyPresent>().Domain.Generation.ShouldBe(spec.Generation);
    }

    [Fact]
    public async Task A_start_without_its_disk_fails_in_libvirts_words_and_leaves_nothing()
    {
        var spec = Spec(Accelerator.Tcg, Disk(NewVolume(), "vda", "/nonexistent/disk.raw", "raw"));
        var fault = (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Failed>().Fault;
        fault.ShouldBeOfType<HypervisorFault.Refused>().Detail.ShouldContain("/nonexistent/disk.raw");
        (await _hypervisor.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Absent>();
    }

    [Fact]
    public async Task A_foreign_domain_is_neither_seen_nor_touched()
    {
        using var lane = new LibvirtLane(new LibvirtLaneOptions { Name = "foreign", Uri = _libvirt.Uri }, TimeProvider.System);
        var (uuid, name) = (Guid.NewGuid(), $"foreign-{Guid.NewGuid():N}");
        (await lane.CallAsync(null, Deadline, session =>
        {
            using var domain = session.CreateTransient(
                $"<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>");
            return true;
        }, Token)).Value().ShouldBeTrue();

        (await ListedAsync()).ShouldNotContain(domain => domain.Machine.Value == uuid);
        (await _hypervisor.FindAsync(new VmId(uuid), Token)).ShouldBe(new FindOutcome.Foreign(name));
        (await _hypervisor.RequestShutdownAsync(new VmId(uuid), Token)).ShouldBeOfType<ShutdownOutcome.NotRunning>();
        (await _hypervisor.ResetAsync(new VmId(uuid), Token)).ShouldBeOfType<RebootOutcome.NotRunning>();
        (await _hypervisor.DestroyAsync(new VmId(uuid), Bound, Token)).ShouldBeOfType<DestroyOutcome.Foreign>();
        (await _hypervisor.StartAsync(Spec(Accelerator.Tcg) with { Machine = new VmId(uuid) }, Token)).ShouldBeOfType<StartOutcome.Foreign>();
        (await _hypervisor.StartAsync(Spec(Accelerator.Tcg) with { Name = name }, Token)).ShouldBe(new StartOutcome.Foreign(name));

        (await lane.CallAsync(null, Deadline, session =>
        {
            using var domain = session.FindDomain(uuid)!;
            var state = domain.GetState().State;
            domain.Destroy();
            return state;
        }, Token)).Value().ShouldBe(LibvirtDomainState.Running);
    }

    [Fact]
    public async Task A_destroyed_machine_is_gone_and_may_be_started_again_at_once()
    {
        var spec = await StartAsync();
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
        (await _hypervisor.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Absent>();
        (await ListedAsync()).ShouldNotContain(domain => domain.Machine == spec.Machine);
        (await _hypervisor.StartAsync(spec with { Generation = spec.Generation.Next }, Token)).ShouldBeOfType<StartOutcome.Started>();
        (await FoundAsync(spec.Machine)).Generation.ShouldBe(spec.Generation.Next);
    }

    [Fact]
    public async Task Guests_outlive_the_agent_and_libvirtd()
    {
        var spec = await StartAsync();
        await using (var second = Connect())
        {
            (await second.ListAsync(Token)).ShouldBeOfType<ListOutcome.Listed>().Domains.ShouldContain(domain => domain.Machine == spec.Machine);
        }

        _seen.Clear();
        await _libvirt.Daemon.KillDaemonAsync();
        await SeenAsync<HypervisorEvent.Disconnected>(_ => true);
        _hypervisor.Health.Connected.ShouldBeFalse();
        (await _hypervisor.ListAsync(Token)).ShouldBeOfType<ListOutcome.Failed>().Fault.EffectUnknown.ShouldBeFalse();

        await _libvirt.Daemon.StartDaemonAsync();
        await SeenAsync<HypervisorEvent.ResyncNeeded>(_ => true);
        _hypervisor.Health.Connected.ShouldBeTrue();
        (await FoundAsync(spec.Machine)).Status.ShouldBe(DomainStatus.Running);
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
        await SeenAsync<HypervisorEvent.Stopped>(hint => hint.Machine == spec.Machine);
    }

    [Fact]
    public async Task A_machine_is_ended_while_libvirtd_is_down()
    {
        var spec = await StartAsync();
        _seen.Clear();
        await _libvirt.Daemon.KillDaemonAsync();
        try
        {
            (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
            (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: false));
        }
        finally
        {
            await _libvirt.Daemon.StartDaemonAsync();
        }

        await SeenAsync<HypervisorEvent.ResyncNeeded>(_ => true);
        (await _hypervisor.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Absent>();
    }

    [Fact]
    public async Task A_machine_is_ended_while_libvirtd_hangs()
    {
        var spec = await StartAsync();
        await _libvirt.Daemon.FreezeDaemonAsync();
        try
        {
            var begin = TimeProvider.System.GetTimestamp();
            (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
            TimeProvider.System.GetElapsedTime(begin).ShouldBeLessThan(Bound);
        }
        finally
        {
            await _libvirt.Daemon.ThawDaemonAsync();
        }

        await PrivateLibvirt.UntilAsync(async () => await _hypervisor.FindAsync(spec.Machine, Token) is FindOutcome.Absent, "libvirt to notice");
    }

    [Fact]
    public async Task A_qemu_that_does_not_obey_is_killed_sooner_than_libvirt_would()
    {
        var spec = await StartAsync();
        (await PrivateLibvirt.RunAsync("kill", "-STOP", $"{QemuPid(spec)}")).ShouldBe(0);
        var begin = TimeProvider.System.GetTimestamp();
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
        _output.WriteLine($"after {TimeProvider.System.GetElapsedTime(begin).TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task A_qemu_on_hung_storage_is_told_as_uninterruptible_and_holds_up_no_other_stop()
    {
        var other = await StartAsync();
        await using var storage = await HangingStorage.MakeAsync(_libvirt);
        var spec = await HungAsync(storage);

        var bound = TimeSpan.FromSeconds(60);
        var asked = TimeProvider.System.GetTimestamp();
        var stuck = _hypervisor.DestroyAsync(spec.Machine, bound, Token);
        (await ListedAsync()).ShouldContain(domain => domain.Machine == spec.Machine);
        var begin = TimeProvider.System.GetTimestamp();
        (await _hypervisor.DestroyAsync(other.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
        _output.WriteLine($"the other machine was gone after {TimeProvider.System.GetElapsedTime(begin).TotalMilliseconds:0} ms");
        stuck.IsCompleted.ShouldBeFalse();

        var told = (await stuck).ShouldBeOfType<DestroyOutcome.Uninterruptible>();
        _output.WriteLine(told.Detail);
        told.ProcessId.ShouldBe(QemuPid(spec));
        told.Detail.ShouldContain("sleep uninterruptibly in the kernel");

        // Long before the bound that its caller was ready to wait; and asked again it is only looked at.
        var options = new LibvirtHypervisorOptions();
        var waited = TimeProvider.System.GetElapsedTime(asked);
        _output.WriteLine($"told after {waited.TotalSeconds:0.0} s");
        waited.ShouldBeInRange(options.KillAfter + options.UninterruptibleAfter, bound);
        var again = TimeProvider.System.GetTimestamp();
        (await _hypervisor.DestroyAsync(spec.Machine, TimeSpan.Zero, Token)).ShouldBeOfType<DestroyOutcome.Uninterruptible>().ProcessId.ShouldBe(told.ProcessId);
        TimeProvider.System.GetElapsedTime(again).ShouldBeLessThan(options.KillAfter);
        (await FoundAsync(spec.Machine)).Disks.Count.ShouldBe(2);
        (await ListedAsync()).ShouldContain(domain => domain.Machine == spec.Machine && domain.Generation == spec.Generation);

        // An agent that has never seen it alive has the same to say.
        await using (var next = Connect())
        {
            (await next.DestroyAsync(spec.Machine, bound, Token)).ShouldBeOfType<DestroyOutcome.Uninterruptible>().ProcessId.ShouldBe(told.ProcessId);
        }

        await storage.HealAsync();
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBeOfType<DestroyOutcome.Gone>();
        await PrivateLibvirt.UntilAsync(async () => await _hypervisor.FindAsync(spec.Machine, Token) is FindOutcome.Absent, "libvirt to notice");
    }

    [Fact]
    public async Task A_machine_starts_and_is_listed_while_a_qemu_on_hung_storage_cannot_be_killed()
    {
        await using var storage = await HangingStorage.MakeAsync(_libvirt);
        var spec = await HungAsync(storage);
        (await _hypervisor.DestroyAsync(spec.Machine, TimeSpan.FromSeconds(15), Token)).ShouldBeOfType<DestroyOutcome.Uninterruptible>();
        var third = await StartAsync();
        var listed = await ListedAsync();
        listed.ShouldContain(domain => domain.Machine == spec.Machine && domain.Generation == spec.Generation);
        listed.ShouldContain(domain => domain.Machine == third.Machine && domain.Status == DomainStatus.Running);
        await storage.HealAsync();
        (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBeOfType<DestroyOutcome.Gone>();
    }

    [Fact]
    public async Task A_guest_on_a_bridge_of_the_host_has_its_interface_there()
    {
        const string bridge = "hf-test";
        const string mac = "52:54:00:12:34:56";
        Assert.SkipUnless(await PrivateLibvirt.RunAsync("ip", "link", "add", bridge, "type", "bridge") == 0, "bridges cannot be made here");
        try
        {
            (await PrivateLibvirt.RunAsync("ip", "link", "set", bridge, "up")).ShouldBe(0);
            var spec = Spec(Accelerator.Tcg) with { Nics = Choose(null, bridge, mac).Nics };
            (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>();

            var nic = (await DescribedAsync(spec)).Descendants("interface").ShouldHaveSingleItem();
            nic.Attribute("type")!.Value.ShouldBe("bridge");
            nic.Element("source")!.Attribute("bridge")!.Value.ShouldBe(bridge);
            nic.Element("mac")!.Attribute("address")!.Value.ShouldBe(mac);
            nic.Element("model")!.Attribute("type")!.Value.ShouldBe("virtio");
            var tap = nic.Element("target")!.Attribute("dev")!.Value;
            Ports(bridge).ShouldBe([tap]);

            (await _hypervisor.DestroyAsync(spec.Machine, Bound, Token)).ShouldBe(new DestroyOutcome.Gone(WasPresent: true));
            await PrivateLibvirt.UntilAsync(() => Task.FromResult(Ports(bridge).Count == 0), "the interface to leave the bridge");
        }
        finally
        {
            (await PrivateLibvirt.RunAsync("ip", "link", "delete", bridge)).ShouldBe(0);
        }

        static IReadOnlyList<string> Ports(string bridge) => [.. Directory.EnumerateFileSystemEntries($"/sys/class/net/{bridge}/brif").Select(port => Path.GetFileName(port))];
    }

    [Fact]
    public async Task A_start_on_a_bridge_that_the_host_does_not_have_fails_with_its_name()
    {
        var spec = Spec(Accelerator.Tcg) with { Nics = Choose("hf-none", null, "52:54:00:12:34:57").Nics };
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Failed>().Fault.Message.ShouldContain("hf-none");
        (await _hypervisor.FindAsync(spec.Machine, Token)).ShouldBeOfType<FindOutcome.Absent>();
    }

    [Fact]
    public async Task A_guest_has_no_interface_where_there_is_neither_a_bridge_nor_a_default_network()
    {
        var host = (await _hypervisor.DescribeHostAsync(Token)).ShouldBeOfType<DescribeOutcome.Described>().Host;
        host.ActiveNetworks.ShouldBeEmpty();
        var choice = NetworkChoice.Make(Machine(null, "52:54:00:12:34:58"), null, host.ActiveNetworks);
        choice.Without.ShouldBe(["guests"]);
        var spec = Spec(Accelerator.Tcg) with { Nics = choice.Nics };
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>();
        (await DescribedAsync(spec)).Descendants("interface").ShouldBeEmpty();
    }

    [Fact]
    public async Task What_our_layer_costs_is_written_down()
    {
        using var lane = new LibvirtLane(new LibvirtLaneOptions { Name = "plain", Uri = _libvirt.Uri }, TimeProvider.System);
        _output.WriteLine($"open a connection and ask its name: {await MillisecondsAsync(() => lane.CallAsync(null, Deadline, session => session.GetHostName(), Token)):0.0} ms");
        _output.WriteLine($"the same on the open connection: {await MillisecondsAsync(() => lane.CallAsync(null, Deadline, session => session.GetHostName(), Token)):0.00} ms");
        var (ours, virsh) = (new List<double>(), new List<double>());
        for (var i = 0; i < 10; i++)
        {
            var spec = await StartAsync();
            await _hypervisor.ListAsync(Token);
            if (i % 2 == 0)
            {
                ours.Add(await MillisecondsAsync(() => _hypervisor.DestroyAsync(spec.Machine, Bound, Token)));
            }
            else
            {
                virsh.Add(await MillisecondsAsync(() => PrivateLibvirt.RunAsync("virsh", "--quiet", "--connect", _libvirt.Uri, "destroy", spec.Name)));
            }
        }

        _output.WriteLine($"list: {await MillisecondsAsync(() => _hypervisor.ListAsync(Token)):0.0} ms");
        _output.WriteLine($"destroy, ours:  {string.Join(", ", ours.Order().Select(value => $"{value:0}"))} ms");
        _output.WriteLine($"destroy, virsh: {string.Join(", ", virsh.Order().Select(value => $"{value:0}"))} ms");
    }

    private static async Task<double> MillisecondsAsync(Func<Task> work)
    {
        var begin = TimeProvider.System.GetTimestamp();
        await work();
        return TimeProvider.System.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static VolumeId NewVolume() => new(Guid.CreateVersion7());

    private static DomainDisk Disk(VolumeId volume, string target, string path, string format) =>
        new() { Volume = volume, Target = target, Source = new DiskSource.File(path, format) };

    private static bool AnyThreadSleeps(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task").Any(task => File.ReadAllText($"{task}/stat").Contains(") D ", StringComparison.Ordinal));

    private static NetworkChoice Choose(string? named, string? hostBridge, string mac) => NetworkChoice.Make(Machine(named, mac), hostBridge, []);

    private static MachineSpec Machine(string? bridge, string mac) => new()
    {
        VmId = new VmId(Guid.CreateVersion7()),
        Name = "t",
        InstanceName = "t",
        Cpus = 1,
        MemoryMiB = 32,
        Disks = [],
        Nics = [new MachineNic { Mac = mac, NetworkName = "guests", Bridge = bridge }],
    };

    private async Task<XElement> DescribedAsync(DomainSpec spec) =>
        XElement.Parse(await Tool.RunAsync("virsh", "--quiet", "--connect", _libvirt.Uri, "dumpxml", spec.Name));

    private LibvirtHypervisorOptions Impatient => new() { Uri = _libvirt.Uri, DeviceDeadline = TimeSpan.FromSeconds(2), UnplugPatience = TimeSpan.FromSeconds(1) };

    private Task PluggedInAsync(DomainSpec spec, DomainDisk disk) => PrivateLibvirt.UntilAsync(
        async () => (await FoundAsync(spec.Machine)).Disks.Any(found => found.Volume == disk.Volume), "libvirt to carry out the attach that nobody waits for any more");

    private LibvirtHypervisor Connect() => Connect(new LibvirtHypervisorOptions { Uri = _libvirt.Uri });

    private static LibvirtHypervisor Connect(LibvirtHypervisorOptions options) => new(options, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

    private async Task<Accelerator> AcceleratorAsync() => (await _hypervisor.DescribeHostAsync(Token)).ShouldBeOfType<DescribeOutcome.Described>().Host.Accelerator;

    /// <summary>A machine without disks, which gets as far as its BIOS.</summary>
    private DomainSpec Spec(Accelerator accelerator, params DomainDisk[] disks)
    {
        var machine = new VmId(Guid.CreateVersion7());
        _machines.Add(machine);
        return new DomainSpec
        {
            Machine = machine,
            Generation = new Generation(3),
            Name = $"t-{machine.Value:N}",
            Cpus = 1,
            MemoryMiB = 32,
            Disks = disks,
            Nics = [],
            SerialLogPath = Path.Combine(_libvirt.Folder, $"{machine.Value:N}.serial.log"),
            Accelerator = accelerator,
        };
    }

    private async Task<DomainSpec> StartAsync()
    {
        var spec = Spec(Accelerator.Tcg);
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>();
        return spec;
    }

    private async Task<DomainSpec> HungAsync(HangingStorage storage)
    {
        var volume = NewVolume();
        var root = NewVolume();
        var spec = Spec(
            await AcceleratorAsync(),
            Disk(root, "vda", await _libvirt.MakeBootDiskAsync($"{root}.qcow2"), "qcow2"),
            Disk(volume, "vdb", await _libvirt.MakeDiskAsync($"{volume}.raw", folder: storage.Folder), "raw")) with { MemoryMiB = 160 };
        (await _hypervisor.StartAsync(spec, Token)).ShouldBeOfType<StartOutcome.Started>();
        await SerialAsync(spec, "counter vdb 1");
        await storage.HangAsync();
        await PrivateLibvirt.UntilAsync(() => Task.FromResult(AnyThreadSleeps(QemuPid(spec))), "QEMU to sleep in the kernel");
        return spec;
    }

    private async Task<IReadOnlyList<OwnDomain>> ListedAsync() => (await _hypervisor.ListAsync(Token)).ShouldBeOfType<ListOutcome.Listed>().Domains;

    private async Task SuspendByHandAsync(DomainSpec spec)
    {
        using var lane = new LibvirtLane(new LibvirtLaneOptions { Name = "by hand", Uri = _libvirt.Uri }, TimeProvider.System);
        (await lane.CallAsync(null, Deadline, session =>
        {
            using var domain = session.FindDomain(spec.Machine.Value)!;
            domain.Suspend();
            return true;
        }, Token)).Value().ShouldBeTrue();
    }

    private async Task<OwnDomain> FoundAsync(VmId machine) => (await _hypervisor.FindAsync(machine, Token)).ShouldBeOfType<FindOutcome.Found>().Domain;

    private int QemuPid(DomainSpec spec) =>
        int.Parse(File.ReadAllText(Path.Combine(_libvirt.Folder, "run", "qemu", $"{spec.Name}.pid")), System.Globalization.CultureInfo.InvariantCulture);

    private async Task SerialAsync(DomainSpec spec, string line, int times = 1) => await PrivateLibvirt.UntilAsync(
        async () => File.Exists(spec.SerialLogPath) && (await File.ReadAllTextAsync(spec.SerialLogPath)).Split(line).Length > times,
        $"the guest to say '{line}' {times} times");

    private async Task FollowAsync(LibvirtHypervisor hypervisor)
    {
        try
        {
            await foreach (var hint in hypervisor.Events.ReadAllAsync(_reading.Token))
            {
                _seen.Enqueue(hint);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private Task SeenAsync<T>(Func<T, bool> which)
        where T : HypervisorEvent =>
        PrivateLibvirt.UntilAsync(() => Task.FromResult(_seen.OfType<T>().Any(which)), $"an event {typeof(T).Name}; seen: {string.Join(", ", _seen)}");
}
