namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>Stands in for <c>drbdsetup</c>, from the state on disk and the devices of this machine alone.</summary>
internal static class DrbdSetup
{
    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        errors.WriteLine("not yet");
        return 20;
    }
}
