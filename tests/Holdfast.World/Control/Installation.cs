using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Testing;
using Holdfast.Worlds.Simulation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Worlds.Control;

/// <summary>
/// A freshly migrated and bootstrapped installation, made once in a process and copied for every world: making it takes longer than most worlds.
/// </summary>
internal static class Installation
{
    private static readonly string Root = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"holdfast-world-{Environment.ProcessId}");
    private static readonly Lock Gate = new(); // Guards the making of the original, and the slots.
    private static readonly SortedSet<int> Taken = [];
    private static string? _original;

    static Installation() => AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
    {
        if (Directory.Exists(Root))
        {
            Directory.Delete(Root, recursive: true);
        }
    };

    /// <summary>
    /// The data folder of a new installation. Folders are used again by later worlds: the data layer keeps its compiled queries by connection string, and compiling
    /// them takes longer than most worlds.
    /// </summary>
    public static string Take()
    {
        int slot;
        lock (Gate)
        {
            _original ??= Make(Path.Combine(Root, "original"));
            slot = Enumerable.Range(0, int.MaxValue).First(number => !Taken.Contains(number));
            Taken.Add(slot);
        }

        var folder = Path.Combine(Root, $"{slot}");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(_original))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        return folder;
    }

    /// <summary>Gives a folder back.</summary>
    public static void Return(string folder)
    {
        Directory.Delete(folder, recursive: true);
        lock (Gate)
        {
            Taken.Remove(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The services of a server node on a data folder, with everything that is not its own logic replaced.</summary>
    public static ServiceProvider Compose(string folder, TimeProvider time, IIdSource ids, Random random, ILoggerFactory logs, Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection();
        ServerHost.AddServer(services, new ServerOptions { Data = folder });
        services.AddSingleton(time);
        services.AddSingleton(ids);
        services.AddSingleton(random);
        services.AddSingleton<ISecretSource>(new SeededSecrets(random));
        services.AddSingleton(logs);
        configure?.Invoke(services);
        return services.BuildServiceProvider();
    }

    private static string Make(string folder)
    {
        Directory.CreateDirectory(folder);
        Now.Run(async () =>
        {
            await using var services = Compose(folder, new FakeTimeProvider(), new SeededIds(0), new Random(0), NullLoggerFactory.Instance);
            await services.GetRequiredService<Database>().MigrateAsync(CancellationToken.None);
            await services.GetRequiredService<Bootstrap>().RunAsync(CancellationToken.None);
            await services.GetRequiredService<Authority>().OpenAsync(["localhost"], CancellationToken.None);
        });
        return folder;
    }
}
