using System.Reflection;
using System.Runtime.InteropServices;
using Holdfast.Agent;
using Holdfast.Agent.Bindings.Processes;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ingest;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Agent.LocalStatus;
using Holdfast.Agent.Loop;
using Holdfast.CommandLine;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

var version = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0.0.0";
var time = TimeProvider.System;
return await ProgramCommand.InvokeAsync(AgentCommandLine.Create(RunAsync, (folder, libvirt) => Teller.RunAsync(folder, libvirt, version, time)), args, AgentCommandLine.Wrong);

async Task<int> RunAsync(AgentOptions options)
{
    using var logs = LoggerFactory.Create(builder => AgentLog.Add(builder, options.JsonLog));
    FailpointSet failpoints;
#if DEBUG
    try
    {
        failpoints = FailpointEnvironment.Read(time);
    }
    catch (FormatException nonsense)
    {
        await Console.Error.WriteLineAsync($"{FailpointEnvironment.Variable}: {nonsense.Message}");
        return AgentCommandLine.Wrong;
    }
#else
    failpoints = FailpointSet.None;
#endif
    try
    {
        PrivateFile.MakeFolder(options.Data);
    }
    catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
    {
        await Console.Error.WriteLineAsync($"holdfast-agent: --data: {refused.Message}");
        return 1;
    }

    FileStream folderLock;
    try
    {
        folderLock = new FileStream(Path.Combine(options.Data, "agent.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
    }
    catch (IOException)
    {
        await Console.Error.WriteLineAsync($"Another agent uses {options.Data}.");
        return 1;
    }

    using var stopping = new CancellationTokenSource();
    void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        stopping.Cancel();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    var nodeName = (await File.ReadAllTextAsync("/proc/sys/kernel/hostname")).Trim();
    var facts = new HostFacts
    {
        HostName = options.Name ?? nodeName,
        NodeName = nodeName,
        AgentVersion = version,
        Cpus = Environment.ProcessorCount,
        MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Accelerator = "tcg",
    };

    try
    {
        var membership = new Membership(Path.Combine(options.Data, "identity"), options.Server, time, logs.CreateLogger<Membership>());
        using var identity = await membership.EnterAsync(
            async () => options.JoinTokenFile switch
            {
                null => null,
                "-" => await Console.In.ReadLineAsync(stopping.Token),
                var file => await ReadTokenAsync(file, stopping.Token),
            },
            facts,
            stopping.Token);
        using var link = new HttpServerLink(options.Server, identity, time);
        SqliteLedgerStore opened;
        try
        {
            opened = SqliteLedgerStore.Open(options.Data, time, logs.CreateLogger<SqliteLedgerStore>());
        }
        catch (IOException refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return 1;
        }

        using var store = opened;
        using var loop = new AgentLoop(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler, time, logs.CreateLogger<AgentLoop>())
        {
            Failpoints = failpoints,
        };
        await using var hypervisor = new LibvirtHypervisor(new LibvirtHypervisorOptions { Uri = options.Libvirt }, time, logs.CreateLogger<LibvirtHypervisor>());
        using var ingest = new IngestFolder(options.Ingest, options.IngestKeepFree);
        var sandbox = new ImageSandbox(options.ImageSandbox, options.Ingest, time);
        sandbox.ClearBeside(() => SandboxStart.PrepareAsync(sandbox, options.ImageSandbox, logs.CreateLogger<ImageSandbox>(), stopping.Token));
        using var fetcher = new ImageFetcher(
            ingest, new ImageUnpacker(sandbox, ingest, options.MaxImageBytes), options.Images, options.MaxImageBytes, new EgressGuard(options.AllowImageHosts), time);
        var serialLogs = Path.Combine(options.Data, "serial");
        PrivateFile.MakeFolder(serialLogs);
        HostAgent? agent = null;
        var launcher = new ProcessLauncher(new DriverFiles(options.Drivers, options.Data), options.Data, nodeName, () => agent?.GuestUser, options.DriverMemory, time, logs.CreateLogger<ProcessLauncher>());
#pragma warning disable RS0030 // The process is where randomness enters; everything below is given it.
        var random = new Random();
#pragma warning restore RS0030
        agent = await loop.InvokeAsync(() => new HostAgent(new AgentParts
        {
            Loop = loop,
            BootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
            Store = store,
            Damage = store.Damage,
            Hypervisor = hypervisor,
            Launcher = launcher,
            Server = link,
            Fetcher = fetcher,
            Images = new SandboxedImageTool(sandbox),
            GuestDrives = new IsoDrives(options.GuestDrives ?? Path.Combine("/run/holdfast", identity.Incarnation), options.ImageSandbox, time, logs.CreateLogger<IsoDrives>()),
            ImportsAtOnce = options.Imports,
            Ids = new TimeOrderedIdSource(time),
            Random = random,
            Logs = logs,
            Facts = facts,
            Bridge = options.Bridge,
            SerialLogFolder = serialLogs,
        }));
        using var status = new StatusSocket(loop, options.Data, agent.Status);
        status.Start();
        loop.Keep("membership", () => membership.KeepAsync(identity, link, loop.Stopping));
        await loop.InvokeAsync(() =>
        {
            agent.Start();
            return Task.CompletedTask;
        });
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stopping.Token);
        }
        catch (OperationCanceledException)
        {
            await loop.InvokeAsync(agent.StopAsync);
        }
    }
    catch (JoinRefusedException refused)
    {
        await Console.Error.WriteLineAsync($"Not joined: {refused.Message}.");
        return 1;
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
        // Told to end before it had begun.
    }
    finally
    {
        await folderLock.DisposeAsync();
    }

    return 0;
}

static async Task<string> ReadTokenAsync(string file, CancellationToken cancellationToken)
{
    try
    {
        return await File.ReadAllTextAsync(file, cancellationToken);
    }
    catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
    {
        throw new JoinRefusedException($"--join-token-file: {refused.Message.TrimEnd('.')}");
    }
}
