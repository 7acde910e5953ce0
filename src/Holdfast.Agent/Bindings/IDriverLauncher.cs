using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Bindings;

/// <summary>Starts driver processes and cleans up after them. Bounded calls, safe from the loop.</summary>
internal interface IDriverLauncher
{
    /// <summary>The drivers whose executables are there, by name.</summary>
    IReadOnlyList<string> Installed();

    /// <summary>What is installed of a driver now.</summary>
    DriverInstallation Installation(string driver);

    /// <summary>The build that a pool can go back to: it served the pool well, and its files were kept. Null when there is none.</summary>
    DriverBuild? Proven(PoolId pool);

    /// <summary>The build that was launched last for a pool serves it well: it becomes <see cref="Proven"/>. Files that no pool needs any more are removed.</summary>
    /// <returns>Null, or what was in the way.</returns>
    string? Prove(PoolId pool);

    /// <summary>
    /// Starts the driver of a binding and waits until it is ready. Does not throw when cancelled: the outcome is <see cref="LaunchOutcome.Failed"/> with the
    /// process, so that one that was started is never lost sight of.
    /// </summary>
    /// <param name="spec">What it is started with.</param>
    /// <param name="generation">The generation of that.</param>
    /// <param name="build">Which of its builds: the installed or the proven one.</param>
    /// <param name="handshake">How long it may take until it is ready.</param>
    /// <param name="cancellationToken">It is not wanted any more.</param>
    Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken);

    /// <summary>
    /// The same in a folder aside, while another process serves the binding, to see whether this build starts with these settings. No call is made to it; the
    /// caller ends it. A driver that gets no call changes nothing (docs/drivers.md).
    /// </summary>
    /// <inheritdoc cref="LaunchAsync" path="/param"/>
    Task<LaunchOutcome> TryOutAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken);

    /// <summary>Ends what an earlier agent process left running for a pool. To be called before a launch.</summary>
    Task<ReapOutcome> ReapAsync(PoolId pool, TimeSpan bound);

    /// <summary>Removes socket and state folder of a pool. The process must have ended.</summary>
    /// <returns>Null when they are gone, else what is in the way.</returns>
    string? RemoveFolders(PoolId pool);

    /// <summary>Pools that have a folder on this host.</summary>
    IReadOnlyList<PoolId> Folders();
}

/// <summary>A driver process.</summary>
internal interface IDriverProcess : IDisposable
{
    /// <summary>Its id.</summary>
    int Pid { get; }

    /// <summary>Completes when it has ended, with a sentence about how.</summary>
    Task<string> Ended { get; }

    /// <summary>Calls to it.</summary>
    IDriverClient Client { get; }

    /// <summary>Lets go of the leash: closes its standard input.</summary>
    void CloseInput();

    /// <summary>Asks it to end (SIGTERM), it and all its children.</summary>
    void Terminate();

    /// <summary>Ends it (SIGKILL), it and all its children; a stopped process ends too, one that sleeps in the kernel does not.</summary>
    void Kill();
}

/// <summary>How a launch went. A closed hierarchy.</summary>
internal abstract record LaunchOutcome
{
    private LaunchOutcome()
    {
    }

    /// <summary>It serves.</summary>
    internal sealed record Ready(IDriverProcess Process, DriverInfo Info) : LaunchOutcome;

    /// <summary>It refused its configuration. It has ended.</summary>
    internal sealed record Refused(DriverError Error) : LaunchOutcome;

    /// <summary>It did not become ready.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Process">The process when it was started; the caller ends it.</param>
    /// <param name="IsLate">Nothing else is wrong but that its time was over: the host may only be slow.</param>
    internal sealed record Failed(string Reason, IDriverProcess? Process, bool IsLate = false) : LaunchOutcome;
}

/// <summary>Whether left-over processes are gone. A closed hierarchy.</summary>
internal abstract record ReapOutcome
{
    private ReapOutcome()
    {
    }

    /// <summary>There is none (any more).</summary>
    /// <param name="Pid">The process that was ended; null when there was none.</param>
    internal sealed record Gone(int? Pid) : ReapOutcome;

    /// <summary>It cannot be ended.</summary>
    internal sealed record Stuck(int Pid) : ReapOutcome;
}
