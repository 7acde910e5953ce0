using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Holdfast.Agent.Bindings.Processes;
using Holdfast.Core.Waits;

namespace Holdfast.Agent.Ingest;

/// <summary>How programs that read images are kept in.</summary>
internal enum SandboxMode
{
    /// <summary>By bubblewrap: namespaces of their own, see <see cref="ImageSandbox"/>.</summary>
    Bubblewrap,

    /// <summary>By limits alone, for machines that allow no namespaces: no network where that can be had, but all of the host's files in sight.</summary>
    Limits,
}

/// <summary>What is to be done in the sandbox.</summary>
internal sealed record SandboxJob
{
    /// <summary>The program.</summary>
    public required string Program { get; init; }

    /// <summary>The image that it reads.</summary>
    public required string Source { get; init; }

    /// <summary>How the file's name has to end for the program.</summary>
    public string Suffix { get; init; } = "";

    /// <summary>The file or device that it writes, besides its output.</summary>
    public string? Target { get; init; }

    /// <summary>Its arguments, made from the names that image and target have in there.</summary>
    public required Func<string, string, IReadOnlyList<string>> Arguments { get; init; }

    /// <summary>Bytes of memory.</summary>
    public required long Memory { get; init; }

    /// <summary>Seconds of processor time.</summary>
    public required int CpuSeconds { get; init; }

    /// <summary>How long it may take.</summary>
    public required TimeSpan Bound { get; init; }

    /// <summary>Takes its output; null keeps the first part of it as text. Returns why there is to be no more, or null at the end.</summary>
    public Func<Stream, CancellationToken, Task<string?>>? Output { get; init; }
}

/// <summary>How a job in the sandbox went. A closed hierarchy.</summary>
internal abstract record SandboxOutcome
{
    private SandboxOutcome()
    {
    }

    /// <summary>The program has ended.</summary>
    internal sealed record Ended(int Code, string Output, string Error) : SandboxOutcome;

    /// <summary>It was ended, because it or what it said was too much.</summary>
    internal sealed record Stopped(string Reason) : SandboxOutcome;

    /// <summary>There is no sandbox to run it in, so it was not run.</summary>
    internal sealed record Unavailable(string Reason) : SandboxOutcome;
}

/// <summary>
/// Runs the programs that read what strangers wrote (<c>qemu-img</c>, the unpackers), in namespaces of their own for mounts, processes, network and IPC: they see
/// <c>/usr</c> and the image, read-only, and, to copy, the one file or device that they write. They have no capability and cannot gain any, what they never need of the kernel fails (<see cref="SystemCallFilter"/>), and memory, processor
/// time, output and wall time are bounded. An agent that is root runs what only reads as the user nobody. What writes to a target keeps the agent's own user on the
/// host, because NFS and other file systems judge by that user, but has it in a user namespace in which it is nobody and which has no rights outside. When memory runs
/// out, the kernel takes them first. An adapter.
/// </summary>
internal sealed class ImageSandbox(SandboxMode mode, string folder, TimeProvider time)
{
    // Not a secret: by it the next agent finds what one that died left running.
    private const string Marker = "HOLDFAST_INGEST";
    private const string Package = "bubblewrap";

    // Guests are never ours, and one that waits for its storage would hold up whoever reads its environment.
    private const string Emulator = "qemu-system";
    private const string Nobody = "65534";
    private const int LongestText = 256 * 1024;
    private const int LargestFile = 1 << 20;
    private const int SignalBase = 128;
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TrialBound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ClearBound = TimeSpan.FromMinutes(1);
    private readonly bool _isRoot = LibC.EffectiveUser() == 0;
    private bool _isProven;
    private Task _cleared = Task.CompletedTask;

    /// <summary>Where programs are looked for.</summary>
    public string SearchPath { get; init; } = Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } path ? path : "/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Whether there is a sandbox; asked again until there is.</summary>
    /// <returns>Why not, and what to do about it; null when there is.</returns>
    public async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        if (_isProven || mode == SandboxMode.Limits)
        {
            return null;
        }

        foreach (var target in (string?[])[null, "/dev/null"])
        {
            var trial = new SandboxJob
            {
                Program = "true", Source = "/usr/bin/true", Target = target, Arguments = static (_, _) => [], Memory = Compression.Memory, CpuSeconds = 10, Bound = TrialBound,
            };
            var reason = await RunAsync(trial, WordsOf(trial), cancellationToken) switch
            {
                SandboxOutcome.Ended { Code: 0 } => null,
                SandboxOutcome.Ended { Error: var error, Code: var code } => error.Trim() is { Length: > 0 } words ? words : $"it ended with {code}",
                SandboxOutcome.Stopped { Reason: var why } => why,
                SandboxOutcome.Unavailable { Reason: var why } => why,
                _ => throw new InvalidOperationException("The hierarchy is closed."),
            };
            if (reason is not null)
            {
                return $"images are read in a sandbox made by bubblewrap, and this host has none ({reason}): install the package {Package}, allow user namespaces"
                    + " (sysctl user.max_user_namespaces), or start the agent with --image-sandbox limits, which keeps images in by limits alone";
            }
        }

        _isProven = true;
        return null;
    }

    /// <summary>Runs a job to its end. When this returns, nothing of it runs any more, unless the kernel does not let go of it.</summary>
    public async Task<SandboxOutcome> RunAsync(SandboxJob job, CancellationToken cancellationToken)
    {
        await _cleared.AtMostAsync(ClearBound, time, cancellationToken);
        if (!_cleared.IsCompleted)
        {
            return new SandboxOutcome.Unavailable("what an earlier agent left running is still being looked for: a process of this host cannot be read");
        }

        return await WhyNotAsync(cancellationToken) is { } reason
            ? new SandboxOutcome.Unavailable(reason)
            : await RunAsync(job, WordsOf(job), cancellationToken);
    }

    /// <summary>Has what an earlier agent left cleared away, beside everything else: it reads processes, which may wait in the kernel for storage. Jobs wait for it.</summary>
    /// <param name="work">What clears it away; asks nothing of <see cref="RunAsync(SandboxJob, CancellationToken)"/>.</param>
    public void ClearBeside(Func<Task> work) => _cleared = OffLoop.RunAsync(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Ends what an agent that died left running.</summary>
    /// <returns>Numbers of processes that did not end.</returns>
    public async Task<IReadOnlyList<int>> EndLeftOversAsync()
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var left = LeftOvers();
            if (left.Count == 0 || time.GetElapsedTime(began) > EndBound)
            {
                return left;
            }

            foreach (var process in left)
            {
                _ = LibC.Signal(process, LibC.Kill);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), time);
        }
    }

    private List<int> LeftOvers()
    {
        var mark = Encoding.UTF8.GetBytes($"{Marker}={folder}\0");
        var found = new List<int>();
        foreach (var process in Directory.GetDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number != Environment.ProcessId
                    && !File.ReadAllText(Path.Combine(process, "comm")).StartsWith(Emulator, StringComparison.Ordinal)
                    && File.ReadAllBytes(Path.Combine(process, "environ")).AsSpan().IndexOf(mark) >= 0)
                {
                    found.Add(number);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile, or is somebody else's.
            }
        }

        return found;
    }

    private List<string> WordsOf(SandboxJob job)
    {
        List<string> words =
        [
            "prlimit",
            string.Create(CultureInfo.InvariantCulture, $"--as={job.Memory}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={job.CpuSeconds}"),
            "--nofile=256",
            "--core=0",
        ];
        if (job.Target is null)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"--fsize={LargestFile}"));
        }

        words.AddRange(["choom", "-n", "1000", "--"]);
        if (mode == SandboxMode.Limits)
        {
            words.AddRange(_isRoot ? ["unshare", "--net"] : ["unshare", "--map-root-user", "--net"]);
            words.AddRange(["setpriv", "--no-new-privs"]);
            if (_isRoot)
            {
                words.AddRange(["--inh-caps=-all", "--bounding-set=-all,+dac_override"]);
            }

            words.Add(job.Program);
            words.AddRange(job.Arguments(job.Source, job.Target ?? ""));
            return words;
        }

        // A file that only its owner can read needs the owner, as a target does.
        var isNobody = _isRoot && job.Target is null && (File.GetUnixFileMode(job.Source) & UnixFileMode.OtherRead) != 0;
        var source = "/in/image" + job.Suffix;
        const string Target = "/out/target";
        words.AddRange(
        [
            "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
            "--dir", "/dev", "--dir", "/in", "--dir", "/out",
            "--ro-bind", "/usr", "/usr",
        ]);
        foreach (var name in (string[])["bin", "sbin", "lib", "lib64"])
        {
            var link = new DirectoryInfo("/" + name);
            words.AddRange(link.LinkTarget is { } to ? ["--symlink", to, "/" + name] : ["--ro-bind-try", "/" + name, "/" + name]);
        }

        words.AddRange(["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--dev-bind", "/dev/null", "/dev/null"]);

        // What is copied may be a device, which has to stay one.
        words.AddRange(job.Target is null
            ? ["--ro-bind", job.Source, source]
            : ["--dev-bind", job.Source, source, "--remount-ro", source, "--dev-bind", job.Target, Target]);

        words.AddRange(["--remount-ro", "/", "--chdir", "/"]);
        if (SystemCallFilter.Program is not null)
        {
            words.AddRange(["--seccomp", "0"]);
        }

        words.AddRange(isNobody
            ?
            [
                "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP", "--",
                "setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
            ]
            : ["--unshare-user", "--disable-userns", "--uid", Nobody, "--gid", Nobody, "--"]);
        words.Add(job.Program);
        words.AddRange(job.Arguments(source, Target));
        return words;
    }

    private async Task<SandboxOutcome> RunAsync(SandboxJob job, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        start.Environment.Clear();
        start.Environment["PATH"] = SearchPath;
        start.Environment["LC_ALL"] = "C";
        start.Environment[Marker] = folder;
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        try
        {
#pragma warning disable RS0030 // This is a process adapter.
            using var process = Process.Start(start) ?? throw new IOException("no process was started");
#pragma warning restore RS0030
            using var deadline = new CancellationTokenSource(job.Bound, time);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                await GiveFilterAsync(process, ends.Token);
                var error = ReadAsync(process.StandardError, ends.Token);
                var output = "";
                if (job.Output is null)
                {
                    output = await ReadAsync(process.StandardOutput, ends.Token);
                }
                else if (await job.Output(process.StandardOutput.BaseStream, ends.Token) is { } enough)
                {
                    return new SandboxOutcome.Stopped(enough);
                }

                await process.WaitForExitAsync(ends.Token);
                var said = await error;
                return process.ExitCode > SignalBase
                    ? new SandboxOutcome.Stopped(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{job.Program} was ended by signal {process.ExitCode - SignalBase}; it may use {job.CpuSeconds} s of processor time and {job.Memory >> 20} MiB of memory"))
                    : new SandboxOutcome.Ended(process.ExitCode, output, said);
            }
            catch (OperationCanceledException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return new SandboxOutcome.Stopped(string.Create(CultureInfo.InvariantCulture, $"{job.Program} was not done within {job.Bound.TotalSeconds:0} s"));
            }
            finally
            {
                await EndAsync(process);
            }
        }
        catch (Exception exception) when (exception is IOException or Win32Exception)
        {
            return new SandboxOutcome.Stopped($"{job.Program} could not be run: {exception.Message}");
        }
    }

    // By its input: nothing else has to be opened, passed on or left lying for it.
    private async Task GiveFilterAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            if (mode == SandboxMode.Bubblewrap && SystemCallFilter.Program is { } filter)
            {
                await process.StandardInput.BaseStream.WriteAsync(filter, cancellationToken);
            }

            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already; why, it has said.
        }
    }

    // Whoever goes on after this relies on it that nothing is written any more.
    private async Task EndAsync(Process process)
    {
        if (process.HasExited)
        {
            return;
        }

        _ = LibC.Signal(-process.Id, LibC.Kill);
        using var bound = new CancellationTokenSource(EndBound, time);
        try
        {
            await process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            // It waits in the kernel for storage; it ends when that lets go of it, and the image's own locks keep others from the target until then.
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            if (text.Length < LongestText)
            {
                text.Append(buffer, 0, count);
            }
        }

        return text.ToString();
    }
}
