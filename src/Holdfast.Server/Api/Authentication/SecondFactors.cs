using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Authentication;

/// <summary>What a session may that has shown a password, and not yet the second factor.</summary>
internal static class SecondFactors
{
    /// <summary>The one provider.</summary>
    public const string Provider = "totp";

    /// <summary>Sets a factor up.</summary>
    public const string SetUp = "setupUserTwoFactorAuthentication";

    /// <summary>Shows it.</summary>
    public const string Validate = "validateUserTwoFactorAuthenticationCode";

    /// <summary>Lists providers.</summary>
    public const string Providers = "listUserTwoFactorAuthenticatorProviders";

    /// <summary>The setting by which second factors are asked for.</summary>
    public const string EnabledSetting = "enable.user.2fa";

    /// <summary>The setting by which everybody has to have one.</summary>
    public const string MandatedSetting = "mandate.user.2fa";

    // CloudStack's own code of it.
    private const int Unauthorised = 511;

    /// <summary>Whether a session that waits for the second factor may use a command. One whose user has a factor may not set up another: that would be a way around it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="hasFactor">Whether the user has one that counts.</param>
    public static bool Permit(ApiCommand command, bool hasFactor) => command.Name is Validate or Providers or "logout" or "listApis" || (command.Name == SetUp && !hasFactor);

    /// <summary>The error of every other command.</summary>
    public static ApiError Missing() => new(Unauthorised, ApiErrorCodes.PermissionDenied, "Two factor authentication is needed: the session has not shown the second factor");

    /// <summary>The error of a code that is wrong, was taken before, or came after too many wrong ones: all the same.</summary>
    public static ApiError Failed() => new(Unauthorised, ApiErrorCodes.PermissionDenied, "Two factor authentication failed: the code is not right, or was used before");
}
