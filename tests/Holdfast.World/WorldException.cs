using System.Text;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds;

/// <summary>A world in which something is not as it must be; the text tells what, and the history around it.</summary>
internal sealed class WorldException : Exception
{
    public WorldException(World world, string what)
        : base(Tell(world, what)) => (Violation, Entries) = (world.Recorder.Violation, world.Recorder.Entries);

    public Checking.Violation? Violation { get; }

    /// <summary>The whole history.</summary>
    public IReadOnlyList<HistoryEntry> Entries { get; }

    private static string Tell(World world, string what)
    {
        var text = new StringBuilder();
        if (world.Recorder.Violation is { } violation)
        {
            text.AppendLine($"{violation.Invariant} is broken: {violation.What}");
        }
        else
        {
            text.AppendLine(what);
        }

        foreach (var bug in world.Simulator.Bugs)
        {
            text.AppendLine(bug.ToString());
        }

        text.Append(HistoryText.Around(world.Recorder.Entries, world.Recorder.Violation?.Entry ?? world.Recorder.Entries.Count - 1));
        return text.ToString();
    }
}
