using System.Diagnostics;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>The same node on a PostgreSQL that is started for it, on a Unix socket of its own.</summary>
public class PostgreSqlApiHost : ApiHost
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private string? _cluster;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_cluster is not null)
        {
            await RunAsync("pg_ctl", "-D", _cluster + "/data", "-m", "immediate", "-w", "stop");
            Directory.Delete(_cluster, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    protected override async Task<string?> DatabaseFileAsync(string folder)
    {
        Assert.SkipUnless(File.Exists(Programs + "/initdb"), "PostgreSQL 15 is not installed");
        var cluster = Directory.CreateTempSubdirectory("holdfast-pg-").FullName;
        File.SetUnixFileMode(cluster, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (Environment.UserName == "root")
        {
            await RunProgramAsync("/bin/chown", "postgres", cluster);
        }

        await RunAsync("initdb", "-D", cluster + "/data", "-A", "trust", "-U", "postgres", "--no-sync");
        _cluster = cluster;
        await RunAsync("pg_ctl", "-D", cluster + "/data", "-o", $"-c listen_addresses= -k {cluster} -F", "-l", cluster + "/log", "-w", "-t", "150", "start");
        var file = Path.Combine(folder, "connection");
        await File.WriteAllTextAsync(file, $"Host={cluster};Username=postgres;Database=postgres");
        return file;
    }

    // PostgreSQL refuses to run as root.
    private static Task RunAsync(string program, params string[] arguments) => Environment.UserName == "root"
        ? RunProgramAsync("/sbin/runuser", ["-u", "postgres", "--", $"{Programs}/{program}", .. arguments])
        : RunProgramAsync($"{Programs}/{program}", arguments);

    private static async Task RunProgramAsync(string program, params string[] arguments)
    {
        // The server that is started inherits what is open: its output must not be a pipe that somebody reads to its end.
        var start = new ProcessStartInfo(program) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(deadline.Token);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
        }
    }
}
