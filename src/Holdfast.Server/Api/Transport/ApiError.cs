namespace Holdfast.Server.Api.Transport;

/// <summary>A failure as CloudStack's clients know it: the HTTP status, CloudStack's own code, and the text they match on.</summary>
/// <param name="Status">HTTP status, repeated as <c>errorcode</c>; for a failed job its <c>jobresultcode</c>.</param>
/// <param name="CloudStackCode">The exception class as <c>cserrorcode</c>; null leaves it out.</param>
/// <param name="Text">What went wrong, naming the object that stands in the way.</param>
internal sealed record ApiError(int Status, int? CloudStackCode, string Text)
{
    /// <summary>Objects the text is about.</summary>
    public IReadOnlyList<ApiErrorReference> References { get; init; } = [];

    /// <summary>The request as a whole cannot be read.</summary>
    public static ApiError BadRequest(string text) => new(400, ApiErrorCodes.Generic, text);

    /// <summary>Who is asking could not be established. Always the same text: it tells nobody which half was wrong.</summary>
    public static ApiError Unauthorised() => new(401, null, "unable to verify user credentials and/or request signature");

    /// <summary>A map parameter whose syntax cannot be read.</summary>
    public static ApiError MalformedParameter(string text) => new(430, ApiErrorCodes.Generic, text);

    /// <summary>A value that a command cannot accept, found while carrying it out.</summary>
    public static ApiError InvalidParameter(string text) => new(431, ApiErrorCodes.InvalidParameterValue, text);

    /// <summary>A required parameter is missing.</summary>
    public static ApiError Missing(string command, string parameter) =>
        new(431, ApiErrorCodes.Generic, $"Unable to execute API command {command.ToLowerInvariant()} due to missing parameter {parameter}");

    /// <summary>A value that cannot be read as its parameter's type.</summary>
    public static ApiError Invalid(string command, string reason) =>
        new(431, ApiErrorCodes.Generic, $"Unable to execute API command {command.ToLowerInvariant()} due to invalid value. {reason}");

    /// <summary>An id that is not one, does not exist, or belongs to somebody else. Clients decide "gone" by this text.</summary>
    public static ApiError UnknownEntity(string command, string parameter, string value) => Invalid(
        command,
        $"Invalid parameter {parameter} value={value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.");

    /// <summary>A command that does not exist, or not for this caller.</summary>
    public static ApiError UnknownCommand(string command) => new(432, ApiErrorCodes.UnavailableCommand, $"Unknown API command: {command}");

    /// <summary>Too many passwords are being checked at this moment; nothing was done.</summary>
    public static ApiError TooManyPasswords() =>
        new(429, ApiErrorCodes.RequestLimit, "Too many passwords are being checked at this moment, this one was not; please try again in a few seconds");

    /// <summary>A bug. The text of the exception is for root administrators only.</summary>
    public static ApiError Internal(string? text) =>
        new(530, ApiErrorCodes.CloudRuntime, text ?? "Internal error executing command, please contact your system administrator");
}

/// <summary>An object that an error is about.</summary>
/// <param name="Uuid">Its id.</param>
/// <param name="Description">What it is, by name.</param>
internal sealed record ApiErrorReference(Guid Uuid, string Description);
