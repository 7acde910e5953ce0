using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance;

/// <summary>The driver to judge, and the backend it works on.</summary>
public abstract class ConformanceTarget : IAsyncDisposable
{
    /// <summary>The driver's executable.</summary>
    public abstract string Executable { get; }

    /// <summary>Secret settings; their values must never be seen anywhere.</summary>
    public virtual IReadOnlyDictionary<string, Secret> Secrets => new Dictionary<string, Secret>();

    /// <summary>What the host's own configuration says to the driver; asked for after <see cref="NewPoolAsync"/>.</summary>
    public virtual IReadOnlyDictionary<string, string> HostConfig => new Dictionary<string, string>();

    /// <summary>A size that is cheap for the backend; others are small multiples of it.</summary>
    public virtual long Size => 8L * 1024 * 1024;

    /// <summary>Deadline of the calls that a case makes.</summary>
    public virtual TimeSpan Deadline => TimeSpan.FromSeconds(20);

    /// <summary>Whether the cases share a backend that outlives them, so that each removes what it has made.</summary>
    public virtual bool IsShared => false;

    /// <summary>Whether content can be written and read here; otherwise cases that look at bytes are skipped.</summary>
    public virtual bool HasContent => true;

    /// <summary>Whether the driver sees that somebody has a disk open that it handed out.</summary>
    public virtual bool SeesOpenDisks => true;

    /// <summary>Whom guests run as.</summary>
    public virtual GuestUser? GuestUser => null;

    /// <summary>Name of the host at the backend.</summary>
    public virtual string NodeName => System.Net.Dns.GetHostName();

    /// <summary>Makes a pool at the backend for one case.</summary>
    /// <param name="pool">The pool's id.</param>
    /// <param name="folder">A folder of the case's own.</param>
    /// <returns>The driver's settings for it.</returns>
    public abstract Task<IReadOnlyDictionary<string, string>> NewPoolAsync(PoolId pool, string folder);

    /// <summary>Why a case does not apply; null when it does.</summary>
    /// <param name="name">Name of the case.</param>
    public virtual string? Skip(string name) => null;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
