using System.Globalization;
using System.Net;

namespace Holdfast.FaultInjection;

/// <summary>The proxy by hand: modes come as lines on standard input.</summary>
internal static class ProxyCommand
{
    private const string Usage = """
        usage: holdfast-fault-proxy --to HOST:PORT [--port PORT]
          --to    the server behind
          --port  the port on 127.0.0.1 to listen on (default: any free one)
        then, line by line on standard input:
          pass | refuse | blackhole | silence | truncate | garbage | reset | loses-requests | loses-answers
          slow-headers MS | slow-body MS | latency MS
          reset-now (resets open connections once) | status | quit
        """;

    /// <summary>Runs until standard input ends or says <c>quit</c>.</summary>
    /// <returns>The exit code: 64 for wrong arguments.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextReader input, TextWriter output, TextWriter errors)
    {
        var (server, port, wrong) = Parse(arguments);
        if (server is null)
        {
            await errors.WriteLineAsync($"{wrong}\n{Usage}");
            return 64;
        }

        await using var proxy = FaultProxy.Start(server, port);
        await output.WriteLineAsync($"ready: {proxy.EndPoint}");
        while (await input.ReadLineAsync() is { } line)
        {
            switch (line.Trim())
            {
                case "":
                    break;
                case "quit":
                    return 0;
                case "status":
                    await output.WriteLineAsync($"{proxy.Fault} {proxy.Counters}");
                    break;
                case "reset-now":
                    proxy.ResetConnections();
                    await output.WriteLineAsync("open connections were reset");
                    break;
                case var text when ParseFault(text) is { } fault:
                    await proxy.SetAsync(fault);
                    await output.WriteLineAsync($"{proxy.Fault}");
                    break;
                default:
                    await errors.WriteLineAsync($"'{line}' is not a mode; nothing was changed.\n{Usage}");
                    break;
            }
        }

        return 0;
    }

    private static (EndPoint? Server, int Port, string Wrong) Parse(IReadOnlyList<string> arguments)
    {
        EndPoint? server = null;
        var port = 0;
        for (var index = 0; index < arguments.Count; index += 2)
        {
            var value = index + 1 < arguments.Count ? arguments[index + 1] : "";
            switch (arguments[index])
            {
                case "--to" when value.LastIndexOf(':') is > 0 and var at && PortOf(value[(at + 1)..]) is > 0 and var number:
                    server = IPAddress.TryParse(value[..at], out var address) ? new IPEndPoint(address, number) : new DnsEndPoint(value[..at], number);
                    break;
                case "--port" when PortOf(value) is { } number:
                    port = number;
                    break;
                default:
                    return (null, 0, $"'{arguments[index]} {value}' is not an option.");
            }
        }

        return (server, port, "--to is missing.");
    }

    private static int? PortOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535 ? port : null;

    private static ProxyFault? ParseFault(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var name, ..] || !Enum.TryParse<ProxyMode>(name.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode) || char.IsAsciiDigit(name[0]))
        {
            return null;
        }

        var slow = mode is ProxyMode.SlowHeaders or ProxyMode.SlowBody or ProxyMode.Latency;
        return slow
            ? words.Length == 2 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var delay) ? new ProxyFault(mode, TimeSpan.FromMilliseconds(delay)) : null
            : words.Length == 1 ? new ProxyFault(mode) : null;
    }
}
