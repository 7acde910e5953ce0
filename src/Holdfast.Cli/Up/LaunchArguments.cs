using System.Globalization;

namespace Holdfast.Cli.Up;

/// <summary>What server and agent are started with. Nothing secret: every user of the machine can read a process's arguments.</summary>
internal static class LaunchArguments
{
    /// <summary>The server: SQLite, keys and <c>admin.ini</c> in the data folder.</summary>
    /// <param name="options">The installation.</param>
    /// <returns>The arguments.</returns>
    public static IReadOnlyList<string> Server(LocalStackOptions options) =>
    [
        "--data", options.ServerFolder,
        "--port", options.ApiPort.ToString(CultureInfo.InvariantCulture),
        "--agent-port", options.GatewayPort.ToString(CultureInfo.InvariantCulture),
    ];

    /// <summary>The agent.</summary>
    /// <param name="options">The installation.</param>
    /// <param name="driverFolder">The folder with the driver executables, or links to them.</param>
    /// <param name="tokenFile">A file with the join token; used at the first start only.</param>
    /// <returns>The arguments.</returns>
    public static IReadOnlyList<string> Agent(LocalStackOptions options, string driverFolder, string tokenFile) =>
    [
        "--data", options.AgentFolder,
        "--gateway", $"https://127.0.0.1:{options.GatewaySeenByAgent ?? options.GatewayPort}",
        "--drivers", driverFolder,
        "--images", options.ImageFolder,
        "--join-token-file", tokenFile,
        "--guest-drives", options.GuestDriveFolder,
        .. options.Libvirt is { } libvirt ? new[] { "--libvirt", libvirt } : [],
    ];
}
