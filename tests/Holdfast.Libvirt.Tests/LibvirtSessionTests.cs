using Holdfast.Libvirt.Events;

namespace Holdfast.Libvirt.Tests;

public sealed class LibvirtSessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transient_domain_lives_and_is_gone_when_destroyed()
    {
        using var lane = TestDriver.Lane();
        var (uuid, name) = (Guid.NewGuid(), $"t-{Guid.NewGuid():N}");

        var made = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.CreateTransient(TestDriver.DomainXml(uuid, name));
            return (domain.Name, domain.Uuid, domain.GetState().State, domain.IsActive(), domain.IsPersistent());
        }, Token);
        made.Value().ShouldBe((name, uuid, LibvirtDomainState.Running, true, false));

        var paused = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.FindDomain(uuid)!;
            domain.Suspend();
            return domain.GetState();
        }, Token);
        paused.Value().ShouldBe((LibvirtDomainState.Paused, (int)LibvirtPausedReason.User));

        var xml = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.FindDomain(name)!;
            return domain.GetXml();
        }, Token);
        xml.Value().ShouldContain(uuid.ToString("D"));

        var left = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using (var domain = session.FindDomain(uuid)!)
            {
                domain.Destroy();
            }

            return session.FindDomain(uuid) is null;
        }, Token);
        left.Value().ShouldBeTrue();
    }

    [Fact]
    public async Task A_defined_domain_is_listed_while_it_does_not_run_until_it_is_undefined()
    {
        using var lane = TestDriver.Lane();
        var (uuid, name) = (Guid.NewGuid(), $"t-{Guid.NewGuid():N}");

        var seen = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.Define(TestDriver.DomainXml(uuid, name));
            var domains = session.ListDomains();
            var found = domains.Single(candidate => candidate.Uuid == uuid);
            var state = found.GetState().State;
            foreach (var each in domains)
            {
                each.Dispose();
            }

            return (state, domain.IsActive(), domain.IsPersistent());
        }, Token);
        seen.Value().ShouldBe((LibvirtDomainState.ShutOff, false, true));

        var gone = await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.FindDomain(uuid)!;
            domain.Undefine();
            return session.FindDomain(name) is null;
        }, Token);
        gone.Value().ShouldBeTrue();
    }

    [Fact]
    public async Task An_error_is_the_one_of_its_own_call_whatever_other_threads_do()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 8, MaxQueued = 400 });
        var calls = Enumerable.Range(0, 400).Select(i => i % 2 == 0
            ? lane.CallAsync(null, TestDriver.Deadline, session =>
            {
                using var domain = session.CreateTransient($"<domain type='test'><name>bad-{i}</name>");
                return "";
            }, Token)
            : lane.CallAsync(null, TestDriver.Deadline, session =>
            {
                using var domain = session.Define($"<nonsense-{i}/>");
                return "";
            }, Token)).ToList();

        var results = await Task.WhenAll(calls);

        for (var i = 0; i < results.Length; i++)
        {
            var error = results[i].ShouldBeOfType<LibvirtResult<string>.Failed>().Error;
            if (i % 2 == 1)
            {
                error.Message.ShouldContain($"nonsense-{i}");
            }
            else
            {
                error.Message.ShouldNotContain("nonsense");
            }
        }
    }

    [Fact]
    public async Task The_host_describes_itself()
    {
        using var lane = TestDriver.Lane();
        var host = await lane.CallAsync(null, TestDriver.Deadline, session => (
            Name: session.GetHostName(), Node: session.GetNodeInfo(), Daemon: session.GetDaemonVersion(), Hypervisor: session.GetHypervisorVersion(),
            Capabilities: session.GetCapabilities(), Networks: session.ListActiveNetworks()), Token);

        host.Value().Name.ShouldNotBeEmpty();
        host.Value().Node.Cpus.ShouldBe(16);
        host.Value().Node.MemoryKiB.ShouldBe(3145728UL);
        host.Value().Daemon.Major.ShouldBeGreaterThanOrEqualTo(7);
        host.Value().Capabilities.ShouldContain("<capabilities>");
        host.Value().Networks.ShouldBe(["default"]);
    }

    [Fact]
    public async Task Without_a_daemon_the_call_is_unavailable_with_libvirts_own_words()
    {
        using var lane = TestDriver.Lane(options => options with { Uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock" });
        var result = await lane.CallAsync(null, TestDriver.Deadline, session => session.GetHostName(), Token);
        result.ShouldBeOfType<LibvirtResult<string>.Unavailable>().Error.Message.ShouldContain("/nonexistent/libvirt-sock");
    }

    [Fact]
    public async Task Lifecycle_events_arrive_with_the_uuid_of_their_domain()
    {
        using var lane = TestDriver.Lane();
        var channel = System.Threading.Channels.Channel.CreateBounded<LibvirtEvent>(64);
        var feed = (await LibvirtEventFeed.OpenAsync(lane, TestDriver.Uri, channel.Writer, TestDriver.Deadline, Token)).Value();
        var uuid = Guid.NewGuid();

        await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            using var domain = session.CreateTransient(TestDriver.DomainXml(uuid, $"t-{uuid:N}"));
            domain.Destroy();
            return true;
        }, Token);

        var seen = new List<LibvirtLifecycle>();
        while (!seen.Contains(LibvirtLifecycle.Stopped))
        {
            if (await channel.Reader.ReadAsync(Token).AsTask().WaitAsync(TestDriver.Deadline, Token) is LibvirtEvent.Lifecycle life && life.Domain == uuid)
            {
                seen.Add(life.Change);
                if (life.Change == LibvirtLifecycle.Stopped)
                {
                    ((LibvirtStoppedDetail)life.Detail).ShouldBe(LibvirtStoppedDetail.Destroyed);
                }
            }
        }

        seen.ShouldContain(LibvirtLifecycle.Started);
        feed.TakeDropped().ShouldBe(0);
        (await feed.CloseAsync(lane, TestDriver.Deadline, Token)).Value().ShouldBeTrue();
    }

    [Fact]
    public async Task A_full_channel_drops_events_and_counts_them()
    {
        using var lane = TestDriver.Lane();
        var channel = System.Threading.Channels.Channel.CreateBounded<LibvirtEvent>(1);
        var feed = (await LibvirtEventFeed.OpenAsync(lane, TestDriver.Uri, channel.Writer, TestDriver.Deadline, Token)).Value();

        await lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            var uuid = Guid.NewGuid();
            using var domain = session.CreateTransient(TestDriver.DomainXml(uuid, $"t-{uuid:N}"));
            domain.Suspend();
            domain.Resume();
            domain.Destroy();
            return true;
        }, Token);

        var dropped = 0L;
        var deadline = TimeProvider.System.GetTimestamp();
        while (dropped == 0)
        {
            (dropped += feed.TakeDropped()).ShouldBeGreaterThanOrEqualTo(0);
            TimeProvider.System.GetElapsedTime(deadline).ShouldBeLessThan(TestDriver.Deadline, "waited for an event to find the channel full");
            await Task.Yield();
        }

        await feed.CloseAsync(lane, TestDriver.Deadline, Token);
    }
}
