using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Server.Api.Commands;

/// <summary>What handlers work with. Everything in it is safe for any number of requests at once.</summary>
internal sealed class ApiServices
{
    private readonly IServiceProvider _services;

    /// <summary>Made once.</summary>
    public ApiServices(
        IServiceProvider services,
        ApiCommandTable commands,
        IEntityDirectory entities,
        Sessions sessions,
        PasswordDesk passwords,
        Database database,
        TimeProvider time,
        SecretBox secrets,
        ReconcileTimings timings)
    {
        _services = services;
        Commands = commands;
        Entities = entities;
        Sessions = sessions;
        Passwords = passwords;
        Database = database;
        Time = time;
        Secrets = secrets;
        Timings = timings;
    }

    /// <summary>The commands there are.</summary>
    public ApiCommandTable Commands { get; }

    /// <summary>Whether ids exist for a caller.</summary>
    public IEntityDirectory Entities { get; }

    /// <summary>Login sessions.</summary>
    public Sessions Sessions { get; }

    /// <summary>Checks and hashes passwords.</summary>
    public PasswordDesk Passwords { get; }

    /// <summary>The store, for reading.</summary>
    public Database Database { get; }

    /// <summary>The clock, for ages.</summary>
    public TimeProvider Time { get; }

    /// <summary>Opens sealed secrets.</summary>
    public SecretBox Secrets { get; }

    /// <summary>Defaults of settings.</summary>
    public ReconcileTimings Timings { get; }

    /// <summary>What changes entities of a kind.</summary>
    /// <typeparam name="T">The operations of the kind.</typeparam>
    public T Of<T>()
        where T : notnull => _services.GetRequiredService<T>();
}
