using System.Diagnostics;

namespace Holdfast.Bench;

/// <summary>A PostgreSQL 15 of the bench's own, on a Unix socket in a temporary folder; gone with it. Writes are as durable as an installation's.</summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private readonly string _folder;

    private PostgresCluster(string folder) => _folder = folder;

    /// <summary>Whether there is one to be had.</summary>
    public static bool IsInstalled => File.Exists(Programs + "/initdb");

    /// <summary>Makes and starts one.</summary>
    public static async Task<PostgresCluster> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-bench-pg-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await RunProgramAsync("/bin/chown", "postgres", folder);
        }

        await RunAsync("initdb", "-D", folder + "/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync");
        await RunAsync("pg_ctl", "-D", folder + "/data", "-o", $"-c listen_addresses= -k {folder}", "-l", folder + "/log", "-w", "start");
        return new PostgresCluster(folder);
    }

    /// <summary>A new empty database: a file with its connection string.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="folder">Where the file goes.</param>
    public async Task<string> CreateDatabaseAsync(string name, string folder)
    {
        await RunAsync("createdb", "-h", _folder, "-U", "postgres", name);
        var file = Path.Combine(folder, "connection");
        await File.WriteAllTextAsync(file, $"Host={_folder};Username=postgres;Database={name}");
        return file;
    }

    /// <summary>Has the planner know what was seeded, as autovacuum would some minutes later.</summary>
    public Task AnalyzeAsync(string name) => RunAsync("vacuumdb", "-h", _folder, "-U", "postgres", "-q", "--analyze-only", name);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("pg_ctl", "-D", _folder + "/data", "-m", "immediate", "-w", "stop");
        Directory.Delete(_folder, recursive: true);
    }

    // PostgreSQL refuses to run as root.
    private static Task RunAsync(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? RunProgramAsync("/sbin/runuser", ["-u", "postgres", "--", $"{Programs}/{program}", .. arguments])
        : RunProgramAsync($"{Programs}/{program}", arguments);

    // The server that is started inherits what is open: its output must not be a pipe that somebody reads to its end.
    private static async Task RunProgramAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null", program, .. arguments]) { WorkingDirectory = "/" })!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(deadline.Token);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        }
    }
}
