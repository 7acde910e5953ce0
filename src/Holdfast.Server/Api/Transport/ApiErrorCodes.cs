namespace Holdfast.Server.Api.Transport;

/// <summary>The values of <c>cserrorcode</c>: CloudStack's exception classes as numbers.</summary>
internal static class ApiErrorCodes
{
    /// <summary>Anything that went wrong inside.</summary>
    public const int CloudRuntime = 4250;

    /// <summary>The host's agent cannot be reached.</summary>
    public const int AgentUnavailable = 4285;

    /// <summary>Another operation on the same object is under way.</summary>
    public const int ConcurrentOperation = 4300;

    /// <summary>No capacity.</summary>
    public const int InsufficientCapacity = 4325;

    /// <summary>No host has the capacity.</summary>
    public const int InsufficientServerCapacity = 4335;

    /// <summary>A value that a command cannot accept.</summary>
    public const int InvalidParameterValue = 4350;

    /// <summary>Not allowed.</summary>
    public const int PermissionDenied = 4365;

    /// <summary>Could not be allocated.</summary>
    public const int ResourceAllocation = 4370;

    /// <summary>In use.</summary>
    public const int ResourceInUse = 4375;

    /// <summary>Not available.</summary>
    public const int ResourceUnavailable = 4380;

    /// <summary>The storage is not available.</summary>
    public const int StorageUnavailable = 4385;

    /// <summary>Too many requests.</summary>
    public const int RequestLimit = 4545;

    /// <summary>The command does not exist for this caller.</summary>
    public const int UnavailableCommand = 4555;

    /// <summary>Not done in time.</summary>
    public const int OperationTimedOut = 4560;

    /// <summary>The generic one, used for validation.</summary>
    public const int Generic = 9999;
}
