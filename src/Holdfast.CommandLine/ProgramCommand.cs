using System.CommandLine;
using System.CommandLine.Invocation;

namespace Holdfast.CommandLine;

/// <summary>How a program of Holdfast takes its command line.</summary>
public static class ProgramCommand
{
    // An argument that begins with @ is what it says, never a file with more arguments.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    // Signals are the programs' own business, and a bug ends a program with all that the runtime tells of it.
    private static readonly InvocationConfiguration Invoking = new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };

    /// <summary>Reads a command line.</summary>
    /// <param name="root">The program's command.</param>
    /// <param name="arguments">The command line.</param>
    /// <returns>What it says; nothing has been done yet.</returns>
    public static ParseResult Read(RootCommand root, IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(root);
        return root.Parse(arguments, Parsing);
    }

    /// <summary>Does what a command line says; of one that makes no sense, tells what is wrong and does nothing.</summary>
    /// <param name="root">The program's command.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="wrong">The exit code for a command line that makes no sense.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> InvokeAsync(RootCommand root, IReadOnlyList<string> arguments, int wrong)
    {
        var read = Read(root, arguments);
        if (read.Action is not ParseErrorAction)
        {
            return await read.InvokeAsync(Invoking);
        }

        foreach (var error in read.Errors)
        {
            await Console.Error.WriteLineAsync($"{root.Name}: {error.Message}");
        }

        await Console.Error.WriteLineAsync($"{root.Name} --help tells how it is called.");
        return wrong;
    }
}
