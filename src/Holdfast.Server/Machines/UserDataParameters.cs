using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.UserData;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Machines;

/// <summary>What of user data a VM is to have, as commands about VMs are told.</summary>
internal static class UserDataParameters
{
    private static readonly TextParameter Inline = Text("userdata", "user data for the guest in Base64, at most 1 MiB of it; by POST when it is more than some kilobytes", length: UserDataText.MaxLength, multiLine: true);
    private static readonly ValueParameter<UserDataId> Registered = Id<UserDataId>("userdataid", "the id of registered user data; not together with userdata");
    private static readonly MapParameter Details = Map("userdatadetails", "the values of variables of the user data: userdatadetails[0].NAME=VALUE; the guest finds them in its meta data");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [Inline, Registered, Details];

    /// <summary>Reads them.</summary>
    /// <returns>What was sent, null when nothing was; or why it cannot be taken.</returns>
    public static (GivenUserData? Given, ApiError? Error) Read(CommandCall call)
    {
        var (inline, registered, details) = (call.Get(Inline), call.Get(Registered), call.Get(Details)?.Entries);
        if (inline is not null && registered is not null)
        {
            return (null, ApiError.InvalidParameter("Both userdata and userdata ID inputs are not allowed, please provide only one: userdata, userdataid"));
        }

        if (details?.Keys.FirstOrDefault(name => !GuestMetadata.IsFree(name)) is { } taken)
        {
            return (null, ApiError.InvalidParameter($"Parameter userdatadetails cannot have {taken}: names are letters, digits, '_', '-' and '.', and not those that a guest's meta data has anyway"));
        }

        string? content = null;
        if (inline is not null && (content = UserDataText.Read(inline)) is null)
        {
            return (null, UserDataCommands.NotBase64());
        }

        return inline is null && registered is null && details is null ? (null, null) : (new GivenUserData(content, registered, details ?? new Dictionary<string, string>()), null);
    }
}
