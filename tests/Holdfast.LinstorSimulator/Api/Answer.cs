namespace Holdfast.LinstorSimulation.Api;

/// <summary>
/// Collects the entries of one mutating call. Entries take the operation and object bits of the outer call, which is why an "exists" raised inside spawn carries the
/// bits of the resource group.
/// </summary>
internal sealed class Answer(long operation, long subject, TimeProvider time)
{
    private readonly List<ApiCallRc> _entries = [];

    private readonly List<(string Key, string Value)> _references = [];

    public IReadOnlyList<ApiCallRc> Entries => _entries;

    /// <summary>What the whole call is about beside the objects its path names.</summary>
    public IReadOnlyList<(string Key, string Value)> References => _references;

    /// <summary>Every entry refers to this too.</summary>
    public Answer About(string key, string value)
    {
        _references.Add((key, value));
        return this;
    }

    public bool HasErrors => _entries.Any(static entry => (entry.RetCode & ReturnCodes.TypeMask) == ReturnCodes.Error);

    /// <summary>Set by calls that create something: without errors the status is 201.</summary>
    public bool Creates { get; init; }

    public Answer Success(int code, string message, string? details = null, params (string Key, string Value)[] refs)
    {
        _entries.Add(Entry(0, code, message) with { Details = details, ObjRefs = Refs(refs) });
        return this;
    }

    public Answer Info(int code, string message) => Add(ReturnCodes.Info, code, message, null);

    public Answer Warn(int code, string message, string? details = null) => Add(ReturnCodes.Warn, code, message, details);

    public Answer Fail(int code, string message, string? cause = null, string? details = null, string? correction = null, IEnumerable<string>? reports = null)
    {
        _entries.Add(Entry(ReturnCodes.Error, code, message) with { Cause = cause, Details = details, Correction = correction, ErrorReportIds = reports?.ToList() });
        return this;
    }

    /// <summary>An entry of a part of the call: about an object of its own kind, and of the call's operation where <paramref name="about"/> has none of its own.</summary>
    public Answer Note(long about, int code, string message, string? details = null, string? cause = null, params (string Key, string Value)[] refs)
    {
        var bits = (about & ReturnCodes.OperationMask) == 0 ? operation | about : about;
        _entries.Add(Entry(0, code, message) with { RetCode = bits | (uint)code, Details = details, Cause = cause, ObjRefs = Refs(refs) });
        return this;
    }

    public Answer Raw(long retCode, string message)
    {
        _entries.Add(Entry(0, 0, message) with { RetCode = retCode });
        return this;
    }

    /// <summary>Properties that were set or taken away: one entry each way, however many there are, told as creation and deletion whatever the call does.</summary>
    public Answer Properties(IReadOnlyCollection<string> set, IReadOnlyCollection<string> deleted, long? about = null)
    {
        if (set.Count > 0)
        {
            _entries.Add(Entry(0, 0, $"Successfully set property key(s): {string.Join(',', set)}") with { RetCode = ReturnCodes.Create | (about ?? subject) | ReturnCodes.Created });
        }

        if (deleted.Count > 0)
        {
            _entries.Add(Entry(0, 0, $"Successfully deleted property key(s): {string.Join(',', deleted)}") with { RetCode = ReturnCodes.Delete | (about ?? subject) | ReturnCodes.Deleted });
        }

        return this;
    }


    public Answer Append(Answer other) => Append(other._entries);

    public Answer Append(IEnumerable<ApiCallRc> entries)
    {
        _entries.AddRange(entries);
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

    private static Dictionary<string, string>? Refs((string Key, string Value)[] refs) => refs.Length == 0 ? null : refs.ToDictionary(static pair => pair.Key, static pair => pair.Value);

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
