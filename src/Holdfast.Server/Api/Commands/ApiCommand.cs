namespace Holdfast.Server.Api.Commands;

/// <summary>A command, as data.</summary>
internal sealed record ApiCommand
{
    /// <summary>Its name in canonical case.</summary>
    public required string Name { get; init; }

    /// <summary>What it does, in a sentence without a full stop.</summary>
    public required string Description { get; init; }

    /// <summary>Who may use it.</summary>
    public required Roles Roles { get; init; }

    /// <summary>Its parameters, required ones first.</summary>
    public required IReadOnlyList<ApiParameter> Parameters { get; init; }

    /// <summary>What it answers.</summary>
    public required ResponseShape Response { get; init; }

    /// <summary>Whether it answers with a job.</summary>
    public bool IsAsync { get; init; }

    /// <summary>Whether its secrets must not travel in a URL.</summary>
    public bool IsPostOnly { get; init; }

    /// <summary>The product version that brought it.</summary>
    public string Since { get; init; } = "0.1";

    /// <summary>Carries it out. Never waits for a host or for storage.</summary>
    public required Func<CommandCall, CancellationToken, Task<ApiResult>> Handler { get; init; }

    /// <summary>Whether it only reads and filters; its id parameters are filters then.</summary>
    public bool IsList => Name.StartsWith("list", StringComparison.Ordinal);
}
