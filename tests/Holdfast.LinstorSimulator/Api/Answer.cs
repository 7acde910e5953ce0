namespace Holdfast.LinstorSimulation.Api;

/// <summary>
/// Collects the entries of one mutating call. Entries take the operation and object bits of the outer call, which is why an "exists" raised inside spawn carries the
/// bits of the resource group.
/// </summary>
internal sealed class Answer(long operation, long subject, TimeProvider time)
{
    private readonly List<ApiCallRc> _entries = [];

    public IReadOnlyList<ApiCallRc> Entries => _entries;

    public bool HasErrors => _entries.Any(static entry => (entry.RetCode & ReturnCodes.TypeMask) == ReturnCodes.Error);

    /// <summary>Set by calls that create something: without errors the status is 201.</summary>
    public bool Creates { get; init; }

    public Answer Success(int code, string message, string? details = null) => Add(0, code, message, details);

    public Answer Info(int code, string message) => Add(ReturnCodes.Info, code, message, null);

    public Answer Warn(int code, string message, string? details = null) => Add(ReturnCodes.Warn, code, message, details);

    public Answer Fail(int code, string message, string? cause = null, string? details = null, string? correction = null, IEnumerable<string>? reports = null)
    {
        _entries.Add(Entry(ReturnCodes.Error, code, message) with { Cause = cause, Details = details, Correction = correction, ErrorReportIds = reports?.ToList() });
        return this;
    }

    public Answer Raw(long retCode, string message)
    {
        _entries.Add(Entry(0, 0, message) with { RetCode = retCode });
        return this;
    }

    public Answer Append(Answer other)
    {
        _entries.AddRange(other._entries);
        return this;
    }

    /// <summary>The HTTP status the controller derives from its entries: the first error decides.</summary>
    public int Status
    {
        get
        {
            var error = _entries.Find(static entry => (entry.RetCode & ReturnCodes.TypeMask) == ReturnCodes.Error);
            if (error is null)
            {
                return Creates ? 201 : 200;
            }

            return (error.RetCode & ReturnCodes.CodeMask) switch
            {
                >= 300 and < 400 => 404,
                >= 400 and < 500 or ReturnCodes.SignInFailed => 403,
                ReturnCodes.MissingCredentials => 401,
                _ => 500,
            };
        }
    }

    private Answer Add(long type, int code, string message, string? details)
    {
        _entries.Add(Entry(type, code, message) with { Details = details });
        return this;
    }

    private ApiCallRc Entry(long type, int code, string message) => new()
    {
        RetCode = type | operation | subject | (uint)code,
        Message = message,
        CreatedAt = time.GetUtcNow(),
    };
}
