using System.Text;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>Reads lines that cannot be longer than the agent bears, whoever writes them.</summary>
internal static class BoundedLines
{
    /// <summary>Characters of a line that are kept; the rest of it is read and dropped.</summary>
    public const int Longest = 64 * 1024;

    /// <summary>Reads a line.</summary>
    /// <returns>The line, or null at the end.</returns>
    public static async Task<string?> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new char[1];
        while (await reader.ReadAsync(one, cancellationToken) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString();
            }

            if (line.Length < Longest)
            {
                line.Append(one[0]);
            }
        }

        return line.Length > 0 ? line.ToString() : null;
    }
}
