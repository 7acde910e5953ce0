using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Server.Tests.Hosts;

/// <summary>
/// A host in this process that speaks to the gateway over real TLS and, unless told otherwise, does at once what it is told. Its knobs are what a test makes go
/// wrong.
/// </summary>
internal sealed class TestAgent : IAsyncDisposable
{
    private readonly HttpClient _client;
    private readonly CancellationTokenSource _ends = new();
    private readonly SemaphoreSlim _reporting = new(1, 1);
    private readonly long _epoch;
    private Task _watching = Task.CompletedTask;

    public Task Watching => _watching;
    private long _sequence;
    private bool _hasReported;

    private TestAgent(HttpClient client, JoinAnswer identity, HostFacts facts, long epoch)
    {
        _client = client;
        Identity = identity;
        Facts = facts;
        _epoch = epoch;
    }

    public JoinAnswer Identity { get; }

    public HostFacts Facts { get; }

    /// <summary>What the server said, by kind and id: the newest item.</summary>
    public ConcurrentDictionary<(ItemKind Kind, Guid Id), HostItem> Items { get; } = new();

    /// <summary>Every item, in order of arrival.</summary>
    public ConcurrentQueue<HostItem> Seen { get; } = new();

    public long Revision { get; private set; }

    /// <summary>How many watches of it began.</summary>
    public int Watches { get; private set; }

    /// <summary>Answers to an item; null: says nothing about it. Replaceable by a test.</summary>
    public Func<HostItem, ItemReport?> Behaviour { get; set; } = Obey;

    public PlaneHealth ControlPlane { get; set; } = PlaneHealth.Up;

    public static HostFacts FactsOf(string name) => new()
    {
        HostName = name,
        NodeName = name,
        AgentVersion = "test",
        Cpus = 4,
        CpuMhz = 2000,
        MemoryBytes = 16L << 30,
        Accelerator = "tcg",
        HypervisorVersion = "7.2.0",
    };

    public static string NewRequest(ECDsa key) => new CertificateRequest("CN=new", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();

    public static HttpClient NewClient(Uri gateway, X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
#pragma warning disable CA5359 // The tests of trust are the agent's; here the server is this process.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
                ClientCertificates = certificate is null ? [] : [certificate],
            },
        };
        return new HttpClient(handler) { BaseAddress = gateway, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
    }

    /// <summary>Sends a join.</summary>
    public static async Task<HttpResponseMessage> SendJoinAsync(Uri gateway, string token, HostFacts facts, ECDsa key)
    {
        using var client = NewClient(gateway, null);
        return await client.PostAsJsonAsync(
            AgentGateway.JoinPath,
            new JoinRequest { Token = JoinToken.TryParse(token)!.Value, CertificateRequest = NewRequest(key), Facts = facts },
            HostJson.Default.JoinRequest);
    }

    /// <summary>Joins, without watching yet.</summary>
    public static async Task<TestAgent> JoinAsync(TestNode node, string name = "host1", HostId? rejoin = null)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var response = await SendJoinAsync(node.Gateway, await node.JoinTokenAsync(rejoin), FactsOf(name), key);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"Join: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }

        var identity = (await response.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer))!;
        using var certificate = X509Certificate2.CreateFromPem(identity.Certificate);
        return new TestAgent(NewClient(node.Gateway, certificate.CopyWithPrivateKey(key)), identity, FactsOf(name), epoch: 1) { Key = key };
    }

    public required ECDsa Key { get; init; }

    /// <summary>The same host after a restart of its agent, or towards a restarted server.</summary>
    public TestAgent Again(TestNode node, long? epoch = null)
    {
        using var certificate = X509Certificate2.CreateFromPem(Identity.Certificate);
        return new TestAgent(NewClient(node.Gateway, certificate.CopyWithPrivateKey(Key)), Identity, Facts, epoch ?? _epoch + 1)
        {
            Key = Key,
            Behaviour = Behaviour,
            Revision = Revision,
        };
    }

    /// <summary>Joins, watches, reports once.</summary>
    public static async Task<TestAgent> StartAsync(TestNode node, string name = "host1")
    {
        var agent = await JoinAsync(node, name);
        await agent.StartAsync();
        return agent;
    }

    public async Task StartAsync()
    {
        await ReportAsync([]);
        var synced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _watching = KeepWatchingAsync(synced, _ends.Token);
        await synced.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Says the state of items again, by the present behaviour.</summary>
    public Task RepeatAsync(ItemKind? kind = null) => ReportAsync(
        [.. Items.Values.Where(i => kind is null || i.Kind == kind).Select(i => Behaviour(i)).OfType<ItemReport>()]);

    public async Task<HttpResponseMessage> SendReportAsync(HostReport report) =>
        await _client.PutAsJsonAsync(AgentGateway.ReportPath, report, HostJson.Default.HostReport);

    public async Task<GuestTold?> GuestAsync(Guid vm)
    {
        using var response = await _client.GetAsync($"{AgentGateway.GuestPath}?machine={vm}");
        return response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(HostJson.Default.GuestTold);
    }

    /// <summary>Sends a report as text, with the next sequence in it.</summary>
    /// <param name="change">Makes of a good text the one that is sent.</param>
    /// <param name="items">What it says.</param>
    public async Task<HttpResponseMessage> SendTextAsync(Func<string, string> change, params ItemReport[] items)
    {
        await _reporting.WaitAsync();
        try
        {
            var text = JsonSerializer.Serialize(new HostReport { AgentEpoch = _epoch, Sequence = ++_sequence, Items = items }, HostJson.Default.HostReport);
            using var content = new StringContent(change(text), System.Text.Encoding.UTF8, "application/json");
            return await _client.PutAsync(AgentGateway.ReportPath, content);
        }
        finally
        {
            _reporting.Release();
        }
    }

    /// <summary>Tells what the host is, as an agent does when a watch begins.</summary>
    public Task IntroduceAsync()
    {
        _hasReported = false;
        return ReportAsync([]);
    }

    /// <summary>Reports that it is there every few seconds until it is told to end, for tests that last long.</summary>
    public async Task KeepReportingAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            await ReportAsync([]);
            await Task.Delay(TimeSpan.FromSeconds(5), end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async Task ReportAsync(IReadOnlyList<ItemReport> items, IReadOnlyList<ObligationReport>? obligations = null)
    {
        await _reporting.WaitAsync();
        try
        {
            using var response = await SendReportAsync(new HostReport
            {
                AgentEpoch = _epoch,
                Sequence = ++_sequence,
                Facts = _hasReported ? null : Facts,
                Items = items,
                Obligations = obligations ?? [],
            });
            if (!response.IsSuccessStatusCode)
            {
                throw new InvalidOperationException($"Report: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
            }

            _hasReported = true;
        }
        finally
        {
            _reporting.Release();
        }
    }

    /// <summary>Reads the watch as the server sends it.</summary>
    public async Task<List<SseItem<string>>> ReadWatchAsync(long since, Func<SseItem<string>, bool> isLast)
    {
        using var response = await _client.GetAsync($"{AgentGateway.WatchPath}?since={since}", HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        var events = new List<SseItem<string>>();
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync(new CancellationTokenSource(20_000).Token))
        {
            events.Add(item);
            if (isLast(item))
            {
                break;
            }
        }

        return events;
    }

    public static ItemReport Of(HostItem item, MachineState state, params Condition[] conditions) => new()
    {
        Kind = ItemKind.Machine,
        Id = item.Id,
        Generation = item.Generation,
        Since = DateTimeOffset.UtcNow,
        Conditions = conditions,
        Machine = new MachineStatus
        {
            State = state,
            RebootSequence = item.Machine?.RebootSequence ?? 0,
            Cpus = state == MachineState.Running ? item.Machine!.Cpus : null,
            MemoryMiB = state == MachineState.Running ? item.Machine!.MemoryMiB : null,
            Disks = state == MachineState.Running ? [.. item.Machine!.Disks.Select(d => new MachineDiskStatus(d.VolumeId, d.SizeBytes, "/dev/x"))] : [],
        },
    };

    public static ItemReport Of(HostItem item, TaskState state, params Condition[] conditions) => new()
    {
        Kind = ItemKind.Task,
        Id = item.Id,
        Generation = item.Generation,
        Since = DateTimeOffset.UtcNow,
        Conditions = conditions,
        Task = new Protocol.Host.TaskStatus
        {
            State = state,
            SizeBytes = item.Task switch
            {
                TaskSpec.EnsureVolume ensure => ensure.SizeBytes,
                TaskSpec.ResizeVolume resize => resize.SizeBytes,
                TaskSpec.ImportTemplate => 1L << 30,
                _ => null,
            },
            BackendName = "hf-x",
        },
    };

    public static ItemReport Of(HostItem item, BindingState state, PlaneHealth control = PlaneHealth.Up, params Condition[] conditions) => new()
    {
        Kind = ItemKind.Binding,
        Id = item.Id,
        Generation = item.Generation,
        Since = DateTimeOffset.UtcNow,
        Conditions = conditions,
        Binding = new BindingStatus
        {
            State = state,
            DriverPid = state is BindingState.Absent or BindingState.Quiesced ? null : 4711,
            Status = state is BindingState.Absent or BindingState.Quiesced
                ? null
                : new PoolStatus
                {
                    ControlPlane = control,
                    DataPlane = PlaneHealth.Up,
                    AsOf = DateTimeOffset.UtcNow,
                    Capacity = control == PlaneHealth.Up ? new PoolCapacity(1L << 40, 1L << 30, DateTimeOffset.UtcNow) : null,
                    Error = control == PlaneHealth.Up ? null : new DriverError { Code = DriverErrorCode.Unreachable, Text = "controller refused the connection" },
                },
        },
    };

    public static Condition Failed(string text) => new() { Type = ConditionType.Failed, Text = text };

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        try
        {
            await _watching;
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
            // Ended by the test.
        }

        _client.Dispose();
        _ends.Dispose();
    }

    public static ItemReport? Obey(HostItem item) => item switch
    {
        { Desired: Desired.Absent, Kind: ItemKind.Binding } => Of(item, BindingState.Absent),
        { Desired: Desired.Absent, Kind: ItemKind.Machine } => Of(item, MachineState.Absent),
        { Desired: Desired.Absent } => Of(item, TaskState.Absent),
        { Desired: Desired.Attached } => Of(item, BindingState.Attached),
        { Desired: Desired.Quiesced } => Of(item, BindingState.Quiesced),
        { Desired: Desired.Running } => Of(item, MachineState.Running),
        { Desired: Desired.Stopped } => Of(item, MachineState.Stopped),
        _ => Of(item, TaskState.Done),
    };

    // As a real agent: a watch that breaks (a keep-alive missed on a busy machine) is resumed by revision.
    private async Task KeepWatchingAsync(TaskCompletionSource synced, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await WatchAsync(synced, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }

    private async Task WatchAsync(TaskCompletionSource synced, CancellationToken cancellationToken)
    {
        using var response = await _client.GetAsync($"{AgentGateway.WatchPath}?since={Revision}", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        Watches++;
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellationToken)).EnumerateAsync(cancellationToken))
        {
            switch (item.EventType)
            {
                case AgentGateway.ItemEvent:
                    var received = JsonSerializer.Deserialize(item.Data, HostJson.Default.HostItem)!;
                    Items[(received.Kind, received.Id)] = received;
                    Seen.Enqueue(received);
                    if (Behaviour(received) is { } answer)
                    {
                        await ReportAsync([answer]);
                    }

                    Revision = received.Revision;

                    break;
                case AgentGateway.SyncedEvent:
                    synced.TrySetResult();
                    break;
            }
        }
    }
}
