using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>
/// Who will own what a command makes. Only the caller's own account can be named: things can not be made for others yet, and silently making them for
/// oneself would be a lie.
/// </summary>
internal static class OwnerParameters
{
    private static readonly TextParameter Account = Text("account", "the account of the new resource: the caller's own");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "the domain of that account: the caller's own");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [Account, Domain, CommonParameters.Project];

    /// <summary>Checks them.</summary>
    /// <returns>Why not; null when nothing or the caller was named.</returns>
    public static ApiError? Check(CommandCall call) =>
        (call.Get(Account) is { } account && !account.Equals(call.Caller.AccountName, StringComparison.OrdinalIgnoreCase))
        || (call.Get(Domain) is { } domain && domain != call.Caller.DomainId)
        || (call.Get(CommonParameters.Project) is { } project && project != NoSuchEntity)
            ? new ApiError(
                531,
                ApiErrorCodes.PermissionDenied,
                $"Resources can be made for the caller's own account only ({call.Caller.AccountName} in {call.Caller.DomainPath})")
            : null;
}
