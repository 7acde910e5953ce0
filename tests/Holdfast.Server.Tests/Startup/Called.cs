using Holdfast.CommandLine;
using Holdfast.Server.Startup;

namespace Holdfast.Server.Tests.Startup;

/// <summary>What the server takes from a command line, without a server.</summary>
internal static class Called
{
    /// <summary>The options of a command line that makes sense, apart from <c>--data</c>.</summary>
    public static ServerOptions With(params string[] arguments)
    {
        ServerOptions? taken = null;
        var root = ServerCommandLine.Create(options =>
        {
            taken = options;
            return Task.FromResult(0);
        });
        var read = ProgramCommand.Read(root, ["--data", "/d", .. arguments]);
        read.Invoke();
        return taken ?? throw new InvalidOperationException(string.Join(' ', read.Errors.Select(error => error.Message)));
    }

    /// <summary>What is wrong with a command line, apart from <c>--data</c>; empty: nothing.</summary>
    public static string Wrong(params string[] arguments) => string.Join(
        ' ', ProgramCommand.Read(ServerCommandLine.Create(_ => Task.FromResult(0)), ["--data", "/d", .. arguments]).Errors.Select(error => error.Message));
}
