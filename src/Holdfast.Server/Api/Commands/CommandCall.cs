using System.Net;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>A call of a command: who, what, with which values. Its values were checked by the binder.</summary>
internal sealed class CommandCall
{
    private readonly Dictionary<ApiParameter, object> _values;

    /// <summary>Makes a call.</summary>
    public CommandCall(ApiCommand command, ApiCaller? caller, Dictionary<ApiParameter, object> values, Page page, RequestOrigin origin, ApiServices services)
    {
        Command = command;
        MaybeCaller = caller;
        _values = values;
        Page = page;
        Origin = origin;
        Services = services;
    }

    /// <summary>The command.</summary>
    public ApiCommand Command { get; }

    /// <summary>Who calls; null for anonymous commands.</summary>
    public ApiCaller? MaybeCaller { get; }

    /// <summary>Who calls. Only commands for the authenticated may ask.</summary>
    public ApiCaller Caller => MaybeCaller ?? throw new InvalidOperationException($"{Command.Name} has no caller.");

    /// <summary>What the caller may see.</summary>
    public Roles Viewer => MaybeCaller?.Role ?? Roles.Anonymous;

    /// <summary>The page asked for.</summary>
    public Page Page { get; }

    /// <summary>Where the request comes from.</summary>
    public RequestOrigin Origin { get; }

    /// <summary>What handlers work with.</summary>
    public ApiServices Services { get; }

    /// <summary>A value; null when it was not sent.</summary>
    public T? Get<T>(ValueParameter<T> parameter)
        where T : struct => Find(parameter) is { } value ? (T)value : null;

    /// <summary>A value; null when it was not sent.</summary>
    public T? Get<T>(ReferenceParameter<T> parameter)
        where T : class => (T?)Find(parameter);

    /// <summary>The value of a required parameter.</summary>
    public T Require<T>(ValueParameter<T> parameter)
        where T : struct => Get(parameter) ?? throw NotRequired(parameter);

    /// <summary>The value of a required parameter.</summary>
    public T Require<T>(ReferenceParameter<T> parameter)
        where T : class => Get(parameter) ?? throw NotRequired(parameter);

    /// <summary>The error of a value that this command cannot accept.</summary>
    public ApiError UnknownEntity(ApiParameter parameter, object value) => ApiError.UnknownEntity(Command.Name, parameter.Name, value.ToString() ?? "");

    private object? Find(ApiParameter parameter)
    {
        System.Diagnostics.Debug.Assert(Command.Parameters.Contains(parameter), $"{Command.Name} does not declare {parameter.Name}.");
        return _values.GetValueOrDefault(parameter);
    }

    private InvalidOperationException NotRequired(ApiParameter parameter) => new($"{Command.Name} reads {parameter.Name} as if it were required.");
}

/// <summary>Where a request comes from.</summary>
/// <param name="Address">The peer's address; null when it is not known.</param>
/// <param name="SessionToken">The session cookie, when the caller was found by it.</param>
internal sealed record RequestOrigin(IPAddress? Address, string? SessionToken);
