using System.Text;
using System.Text.Json;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>Turns LINSTOR's answers into what the driver protocol distinguishes. Pure.</summary>
internal static class Interpretation
{
    /// <summary>The class of failure of LINSTOR's code in an ERROR entry.</summary>
    /// <param name="code">The code.</param>
    /// <returns>The class.</returns>
    public static DriverErrorCode ClassOf(int code) => code switch
    {
        // The node, the resource group and the storage pool are this pool's configuration: their absence says nothing about a volume.
        LinstorCode.NodeMissing or LinstorCode.GroupMissing or LinstorCode.StoragePoolDefinitionMissing => DriverErrorCode.Invalid,
        LinstorCode.StoragePoolMissing => DriverErrorCode.Capacity,
        >= LinstorCode.ObjectFirst and <= LinstorCode.ObjectLast => DriverErrorCode.NotFound,
        LinstorCode.ProviderUnfit => DriverErrorCode.Unsupported,
        >= 200 and < 300 => DriverErrorCode.Invalid,
        >= LinstorCode.AccessFirst and <= LinstorCode.AccessLast => DriverErrorCode.Credentials,
        LinstorCode.SignInFailed or LinstorCode.CredentialsMissing => DriverErrorCode.Credentials,
        >= LinstorCode.ExistsFirst and <= LinstorCode.ExistsLast => DriverErrorCode.Busy,
        >= LinstorCode.NumbersFirst and <= LinstorCode.NumbersLast => DriverErrorCode.Capacity,
        LinstorCode.RollbackInProgress or LinstorCode.NotAllUpToDate or LinstorCode.Evacuating or LinstorCode.SnapshotNotUpToDate
            or LinstorCode.OneActivePerSharedPool or LinstorCode.CryptLocked or LinstorCode.ResourceBusy or LinstorCode.InUse => DriverErrorCode.Busy,
        LinstorCode.NotEnoughSpace or LinstorCode.Undecidable or LinstorCode.ReplicaCount or LinstorCode.PeerSlots
            or LinstorCode.NotEnoughNodes => DriverErrorCode.Capacity,
        LinstorCode.LayerLacking or LinstorCode.ProviderLacking or LinstorCode.SnapshotsUnsupported or LinstorCode.PoolMixing => DriverErrorCode.Unsupported,
        LinstorCode.PoolConfiguration => DriverErrorCode.Invalid,
        LinstorCode.NotConnected => DriverErrorCode.Unreachable,
        _ => DriverErrorCode.Unknown,
    };

    /// <summary>What is wrong with an answer, or null when it is good and its body can be read.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="controller">Who answered.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">The body.</param>
    /// <returns>The problem.</returns>
    public static RestProblem? ProblemOf(RestRequest request, ControllerAddress controller, int status, ReadOnlySpan<byte> body)
    {
        var entries = EntriesOf(body);
        var decisive = entries?.FirstOrDefault(static entry => entry.Code.IsError);
        if (decisive is not null)
        {
            return OfEntry(request, controller, status, decisive, entries!);
        }

        if (status is 200 or 201)
        {
            return null;
        }

        var words = entries is { Count: > 0 } ? ApiCallRc.Describe(entries) : Excerpt(body);
        if (status is 401 or 403)
        {
            return new RestProblem
            {
                Code = DriverErrorCode.Credentials,
                Text = $"LINSTOR at {controller} refuses the credentials ({request.Name}, HTTP {status}).",
                Backend = words,
            };
        }

        // Somebody answered who does not speak LINSTOR's language: a proxy, another service, a controller that is coming up or going down.
        return new RestProblem
        {
            Code = request.Changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable,
            Text = $"LINSTOR at {controller} answered {request.Name} with HTTP {status} and no entries of its own.",
            Backend = words,
            MayHaveEffect = request.Changes,
        };
    }

    /// <summary>The problem of an answer with a good status that cannot be read.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="controller">Who answered.</param>
    /// <param name="body">The body.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <returns>The problem.</returns>
    public static RestProblem Garbage(RestRequest request, ControllerAddress controller, ReadOnlySpan<byte> body, string reason) => new()
    {
        Code = request.Changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable,
        Text = $"LINSTOR at {controller} answered {request.Name} with something that is not its JSON ({reason}).",
        Backend = Excerpt(body),
        MayHaveEffect = request.Changes,
    };

    /// <summary>The problem of an answer that never came.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="controller">Who was asked.</param>
    /// <param name="reason">Why.</param>
    /// <returns>The problem.</returns>
    public static RestProblem Lost(RestRequest request, ControllerAddress controller, string reason) => new()
    {
        Code = request.Changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable,
        Text = $"LINSTOR at {controller} did not answer {request.Name}: {reason}.",
        Backend = reason,
        MayHaveEffect = request.Changes,
    };

    /// <summary>Reads a list of entries.</summary>
    /// <param name="body">The body.</param>
    /// <returns>The entries, or null when the body is something else.</returns>
    public static IReadOnlyList<ApiCallRc>? EntriesOf(ReadOnlySpan<byte> body)
    {
        // Objects and lists of objects without ret_code are other answers, not entries.
        if (body.IndexOf("\"ret_code\""u8) < 0)
        {
            return body.Trim(" \t\r\n"u8).SequenceEqual("[]"u8) ? [] : null;
        }

        try
        {
            // A refused clone has its entries inside an object.
            return body.TrimStart(" \t\r\n"u8) is [(byte)'{', ..]
                ? JsonSerializer.Deserialize(body, LinstorJson.Default.CloneStarted)?.Messages
                : JsonSerializer.Deserialize(body, LinstorJson.Default.ListApiCallRc);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The beginning of a body, printable, for an operator.</summary>
    /// <param name="body">The body.</param>
    /// <returns>The text; null when there is nothing.</returns>
    public static string? Excerpt(ReadOnlySpan<byte> body)
    {
        const int Limit = 300;
        if (body.IsEmpty)
        {
            return null;
        }

        var text = new StringBuilder(Limit);
        foreach (var character in Encoding.UTF8.GetString(body[..Math.Min(body.Length, Limit)]))
        {
            text.Append(char.IsControl(character) ? ' ' : character);
        }

        return body.Length > Limit ? text.Append("...").ToString() : text.ToString();
    }

    private static RestProblem OfEntry(
        RestRequest request,
        ControllerAddress controller,
        int status,
        ApiCallRc decisive,
        IReadOnlyList<ApiCallRc> entries)
    {
        var words = ApiCallRc.Describe(entries.Where(static entry => entry.Code.Type is ReturnType.Error or ReturnType.Warn));
        if (decisive.Code.IsParseFailure)
        {
            return new RestProblem
            {
                Code = DriverErrorCode.Unsupported,
                Text = $"LINSTOR at {controller} does not understand {request.Name} as this driver sends it.",
                Backend = words,
                Linstor = decisive.Code.Code,
            };
        }

        var code = decisive.Code.Code;
        if (code == LinstorCode.Unknown && status is 404 or 405)
        {
            // The route, not the object, is unknown: an old controller.
            return new RestProblem
            {
                Code = DriverErrorCode.Unsupported,
                Text = $"LINSTOR at {controller} does not know the request {request.Name}.",
                Backend = words,
                Linstor = code,
            };
        }

        var kind = status is 401 or 403 ? DriverErrorCode.Credentials : ClassOf(code);
        // A failed change can have left parts behind: the list may begin with what was made before the error.
        var partial = request.Changes && (kind == DriverErrorCode.Unknown || entries.Any(static entry => entry.Code.Type == ReturnType.Success));
        if (kind == DriverErrorCode.Unknown && !request.Changes)
        {
            kind = DriverErrorCode.Unreachable;
        }

        return new RestProblem
        {
            Code = kind,
            Text = kind == DriverErrorCode.Credentials
                ? $"LINSTOR at {controller} refuses the credentials ({request.Name}, HTTP {status})."
                : $"LINSTOR at {controller} refused {request.Name}.",
            Backend = words,
            Linstor = code,
            MayHaveEffect = partial,
        };
    }
}
