namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>Writes the executable that stands in for <c>drbdsetup</c>: it runs this program on the state folder, with nobody else alive.</summary>
internal static class DrbdSetupScript
{
    public static void Write(string folder, string node, IReadOnlyList<string> moreNodes)
    {
        WriteOne(Path.Combine(folder, "bin"), folder, node);
        foreach (var other in moreNodes)
        {
            WriteOne(Path.Combine(folder, "bin-" + other), folder, other);
        }
    }

    private static void WriteOne(string bin, string folder, string node)
    {
        Directory.CreateDirectory(bin);
        var program = Path.Combine(AppContext.BaseDirectory, "holdfast-linstor-simulator");
        var start = File.Exists(program) ? Quote(program) : $"dotnet {Quote(program + ".dll")}";
        var path = Path.Combine(bin, "drbdsetup");
        File.WriteAllText(path, $"#!/bin/sh\nexec {start} drbdsetup --state {Quote(folder)} --node {Quote(node)} -- \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                path,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
    }

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
