using System.Runtime.CompilerServices;

namespace Holdfast.Libvirt.Tests.Hypervisor;

/// <summary>Compares a text with the approved one beside the test. Set HOLDFAST_APPROVE=1 to accept what is made now.</summary>
internal static class Approved
{
    public static void Match(string actual, string name, [CallerFilePath] string test = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(test)!, $"{name}.approved.xml");
        actual = actual.ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable("HOLDFAST_APPROVE") == "1")
        {
            File.WriteAllText(path, actual);
        }

        File.Exists(path).ShouldBeTrue($"{path} is missing; run with HOLDFAST_APPROVE=1 and read what it writes");
        actual.ShouldBe(File.ReadAllText(path));
    }
}
