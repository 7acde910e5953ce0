using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Transport;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>login and logout.</summary>
internal static class SessionCommands
{
    private static readonly TextParameter UserName = Text("username", "the user's name", required: true);
    private static readonly TextParameter Password = Text("password", "the user's password", required: true, length: 1024, secret: true);
    private static readonly TextParameter Domain = Text("domain", "the path of the user's domain; the root domain when neither domain nor domainid is sent");
    private static readonly TextParameter DomainId = Text("domainid", "the id of the user's domain");

    private static readonly View<NewSession> LoginView = View<NewSession>.Build(v => v
        .Text("username", "the user's name", s => s.User.Caller.UserName)
        .Id("userid", "the user's id", s => s.User.Caller.UserId)
        .Id("domainid", "the id of the user's domain", s => s.User.Caller.DomainId)
        .Int("timeout", "seconds after which an unused session ends", _ => Sessions.TimeoutSeconds)
        .Text("account", "the user's account", s => s.User.Caller.AccountName)
        .Text("firstname", "the user's first name", s => s.User.FirstName)
        .Text("lastname", "the user's last name", s => s.User.LastName)
        .Text("type", "the account's type: 0 user, 1 root administrator, 2 domain administrator", s => s.User.Caller.Role switch
        {
            Roles.RootAdmin => "1",
            Roles.DomainAdmin => "2",
            _ => "0",
        })
        .Text("timezone", "the user's time zone", s => s.User.TimeZone)
        .Text("timezoneoffset", "the time zone's distance from UTC in hours", _ => "0.0")
        .Text("registered", "always false: nobody registers themselves", _ => "false")
        .Text("sessionkey", "the key that further requests must send as a parameter", s => s.SessionKey)
        .Text("is2faenabled", "true if the session needs a second factor", s => s.Factor.IsNeeded ? "true" : "false")
        .Text("is2faverified", "false until the session has shown the second factor that it needs", s => s.Factor.IsNeeded ? "false" : "true")
        .Text("providerfor2fa", "who makes the codes; not there when the second factor has to be set up", s => s.Factor is { IsNeeded: true, HasFactor: true } ? SecondFactors.Provider : null)
        .Text("issuerfor2fa", "what applications show as the issuer", s => s.Factor.IsNeeded ? "CloudStack" : null));

    private static readonly View<string> LogoutView = View<string>.Build(v => v.Text("description", "success", text => text));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "login",
            Description = "Logs a user in and answers with a session",
            Roles = Roles.Everybody,
            Parameters = [UserName, Password, Domain, DomainId],
            Response = ResponseShape.Bare(LoginView),
            IsPostOnly = true,
            Handler = LogInAsync,
        },
        new()
        {
            Name = "logout",
            Description = "Ends the session of the request",
            Roles = Roles.Everybody,
            Parameters = [],
            Response = ResponseShape.Bare(LogoutView),
            Handler = LogOutAsync,
        },
    ];

    private static async Task<ApiResult> LogInAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var user = call.Require(UserName);
        var domain = call.Get(DomainId) ?? call.Get(Domain);
        var outcome = await call.Services.Sessions.LogInAsync(user, call.Require(Password), domain, call.Origin.Address, cancellationToken);
        if (outcome is not LogInOutcome.LoggedIn { Session: var session })
        {
            return outcome is LogInOutcome.Busy
                ? ApiError.TooManyPasswords()
                : new ApiError(
                    531,
                    ApiErrorCodes.PermissionDenied,
                    $"Failed to authenticate user {user} in domain {domain ?? "ROOT"}; please provide valid credentials");
        }

        return ApiResult.Bare(LoginView, session) with
        {
            Cookies =
            [
                new ApiCookie(RequestAuthenticator.SessionCookie, session.Token),
                new ApiCookie(RequestAuthenticator.SessionKeyName, session.SessionKey),
            ],
        };
    }

    private static async Task<ApiResult> LogOutAsync(CommandCall call, CancellationToken cancellationToken)
    {
        // Without the session key another site's page could log people out; it answers success all the same, as an ended session does.
        if (call.MaybeCaller is not null && call.Origin.SessionToken is { } token)
        {
            await call.Services.Sessions.LogOutAsync(token, cancellationToken);
        }

        return ApiResult.Bare(LogoutView, "success") with
        {
            Cookies = [new ApiCookie(RequestAuthenticator.SessionCookie, null), new ApiCookie(RequestAuthenticator.SessionKeyName, null)],
        };
    }
}
