using System.Diagnostics;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(Holdfast.Server.Tests.Stores.PostgresServer))]

namespace Holdfast.Server.Tests.Stores;

/// <summary>A PostgreSQL of the tests' own: made at the first use, on a Unix socket in a temporary folder, gone with the tests.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Bin = "/usr/lib/postgresql/15/bin";
    private readonly SemaphoreSlim _gate = new(1, 1);
    private string? _folder;
    private int _databases;

    public static bool IsInstalled => File.Exists($"{Bin}/initdb");

    /// <summary>A new empty database.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _folder ??= await StartAsync(cancellationToken);
            var name = $"t{++_databases}";
            await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
            await connection.OpenAsync(cancellationToken);
            await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
            return ConnectionString(name);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_folder is not null)
        {
            await RunAsync($"{Bin}/pg_ctl", ["-D", $"{_folder}/data", "-m", "immediate", "-w", "stop"], CancellationToken.None);
            Directory.Delete(_folder, recursive: true);
        }

        _gate.Dispose();
    }

    private static async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("hf-pg-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await RunPlainAsync("/bin/chown", ["postgres", folder], cancellationToken);
        }

        await RunAsync($"{Bin}/initdb", ["-D", $"{folder}/data", "-A", "trust", "-E", "UTF8", "--no-sync", "-U", "postgres"], cancellationToken);
        await RunAsync(
            $"{Bin}/pg_ctl",
            ["-D", $"{folder}/data", "-l", $"{folder}/log", "-w", "-o", $"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200", "start"],
            cancellationToken);
        return folder;
    }

    private static Task RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) => Environment.IsPrivilegedProcess
        ? RunPlainAsync("/usr/sbin/runuser", ["-u", "postgres", "--", program, .. arguments], cancellationToken)
        : RunPlainAsync(program, arguments, cancellationToken);

    private static async Task RunPlainAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = false, RedirectStandardError = false, WorkingDirectory = "/" };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        }
    }

    private string ConnectionString(string database) => $"Host={_folder};Username=postgres;Database={database};Maximum Pool Size=20";
}
