using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Tests on a server node of their own with a database of its own.</summary>
public abstract class NodeTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-server-").FullName;

    private protected string Folder => _folder;

    private protected TestNode Node { get; private set; } = null!;

    private protected string? ConnectionString { get; private set; }

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected virtual ReconcileTimings? Timings => null;

    public virtual async ValueTask InitializeAsync()
    {
        ConnectionString = await ConnectionStringAsync();
        Node = await TestNode.StartAsync(_folder, ConnectionString, Timings, Configure);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>How PostgreSQL is reached; null for SQLite.</summary>
    protected abstract Task<string?> ConnectionStringAsync();

    /// <summary>Ends the node and starts another on its database.</summary>
    private protected async Task RestartAsync()
    {
        await Node.DisposeAsync();
        Node = await TestNode.StartAsync(_folder, ConnectionString, Timings, Configure);
    }

    private protected virtual void Configure(IServiceCollection services)
    {
    }
}
