using System.Globalization;
using Holdfast.Cli.CloudStack;

namespace Holdfast.Cli.Up;

/// <summary>The ports of an installation on this machine. They are kept in its folder, so that it comes back, and is removed, on those it was started with.</summary>
/// <param name="Api">Port of the API.</param>
/// <param name="Gateway">Port of the agent gateway.</param>
internal sealed record StackPorts(int Api, int Gateway)
{
    private const string FileName = "ports";

    /// <summary>Where nobody says otherwise.</summary>
    public static StackPorts Default { get; } = new(8080, 8250);

    /// <summary>The ports to use: what is asked for, else what the installation was started with, else the standard ones.</summary>
    /// <param name="data">The installation's folder; it need not exist.</param>
    /// <param name="api">The port asked for the API.</param>
    /// <param name="gateway">The port asked for the gateway.</param>
    /// <returns>The ports.</returns>
    public static StackPorts Choose(string data, int? api, int? gateway)
    {
        var known = Read(data) ?? Default;
        return new StackPorts(api ?? known.Api, gateway ?? known.Gateway);
    }

    /// <summary>Keeps them for the next start.</summary>
    /// <param name="data">The installation's folder.</param>
    public void Write(string data) =>
        File.WriteAllText(Path.Combine(data, FileName), string.Create(CultureInfo.InvariantCulture, $"{Api} {Gateway}\n"));

    /// <summary>Reads a port.</summary>
    /// <param name="text">The number.</param>
    /// <returns>The port, or null.</returns>
    public static int? Parse(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? port : null;

    private static StackPorts? Read(string data)
    {
        var path = Path.Combine(data, FileName);
        if (!File.Exists(path))
        {
            // One of an older version: its keys name the port of the API.
            return ApiCredentials.Read(Path.Combine(data, "admin.ini")) is { } credentials ? Default with { Api = credentials.Endpoint.Port } : null;
        }

        return File.ReadAllText(path).Split(' ', StringSplitOptions.TrimEntries) is [var api, var gateway] && Parse(api) is { } first && Parse(gateway) is { } second
            ? new StackPorts(first, second)
            : throw new StackFaultException($"{path} does not hold the two ports of an installation.");
    }
}
