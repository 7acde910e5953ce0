using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Security;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about second factors.</summary>
internal static class SecondFactorCommands
{
    private static readonly TextParameter Provider = Text("provider", $"who makes the codes: {SecondFactors.Provider}, any application for one-time codes by time, as when it is not sent");
    private static readonly ValueParameter<bool> Enable = Bool("enable", "true sets the own user's up, as when it is not sent; false takes it away");
    private static readonly ValueParameter<UserId> User = Id<UserId>("userid", "with enable=false, another user whose factor is taken away, for administrators");
    private static readonly TextParameter Code = Text("codefor2fa", "the code that the application shows", required: true, secret: true);
    private static readonly TextParameter Name = Text("name", "the name of the provider");

    private static readonly View<NewFactor> SetupView = View<NewFactor>.Build(v => v
        .Id("id", "the id of the user", f => f.UserId)
        .Text("username", "the name of the user", f => f.UserName)
        .Id("accountid", "the id of the user's account", f => f.AccountId)
        .Text("secretcode", "the key for the application, in base32; shown this once", f => f.Key.Reveal()));

    private static readonly View<string> ProviderView = View<string>.Build(v => v
        .Text("name", "the name of the provider", name => name)
        .Text("description", "what it is", _ => "Codes by time (RFC 6238) of any authenticator application"));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = SecondFactors.SetUp,
            Description = "Sets the caller's second factor up, which counts from the first code on; or takes one away",
            Roles = Roles.Authenticated,
            Parameters = [Provider, Enable, User],
            Response = ResponseShape.Of("setup2fa", SetupView),
            Handler = SetUpAsync,
        },
        new()
        {
            Name = SecondFactors.Validate,
            Description = "Takes a code of the caller's second factor; a session that waits for it can be used then",
            Roles = Roles.Authenticated,
            Parameters = [Code],
            Response = ResponseShape.Success,
            Handler = ValidateAsync,
        },
        new()
        {
            Name = SecondFactors.Providers,
            Description = "Lists who makes codes of second factors",
            Roles = Roles.Authenticated,
            Parameters = [Name, .. CommonParameters.List],
            Response = ResponseShape.Of("providers", ProviderView),
            Handler = (call, _) =>
            {
                string[] found = [.. new[] { SecondFactors.Provider }.Where(p => (call.Get(Name) ?? p).Equals(p, StringComparison.OrdinalIgnoreCase) && p.Contains(call.Get(CommonParameters.Keyword) ?? p, StringComparison.OrdinalIgnoreCase))];
                return Task.FromResult(ApiResult.List("providers", ProviderView, [.. found.Skip(call.Page.Offset)], found.Length));
            },
        },
    ];

    private static async Task<ApiResult> SetUpAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var operations = call.Services.Of<ISecondFactorOperations>();
        var user = call.Get(User);
        if (call.Get(Enable) == false)
        {
            var whose = user ?? call.Caller.UserId;
            return await RoleGuard.WhyNotAsync(call, whose, cancellationToken) is { } beyond
                ? beyond
                : (await operations.RemoveAsync(call.Caller.ForOperations, whose, cancellationToken)).ToResult();
        }

        if (user is not null && user != call.Caller.UserId)
        {
            return ApiError.InvalidParameter("Parameter userid needs enable=false: a second factor is set up by its own user alone");
        }

        return call.Get(Provider) is { } provider && !provider.Equals(SecondFactors.Provider, StringComparison.OrdinalIgnoreCase)
            ? ApiError.InvalidParameter($"Invalid parameter provider value={provider}: there is {SecondFactors.Provider}")
            : (await operations.SetUpAsync(call.Caller.ForOperations, cancellationToken)).ToResult(factor => ApiResult.Object("setup2fa", SetupView, factor));
    }

    private static async Task<ApiResult> ValidateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        // Counted beside passwords, and not with them: whoever guesses codes has the password already.
        var throttle = call.Services.Of<LoginThrottle>();
        var (who, peer) = ($"second factor of {call.Caller.UserId}", PeerNetwork.Of(call.Origin.Address));
        if (!throttle.MayTry(who, peer))
        {
            return SecondFactors.Failed();
        }

        var outcome = await call.Services.Of<ISecondFactorOperations>().ValidateAsync(call.Caller.ForOperations, call.Require(Code), call.Origin.SessionToken, cancellationToken);
        return outcome.ToResult<bool>(isRight =>
        {
            if (isRight)
            {
                throttle.Succeeded(who, peer);
                return ApiResult.Success();
            }

            throttle.Failed(who, peer);
            return SecondFactors.Failed();
        });
    }
}
