using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>The parameters that make a user, of createAccount and createUser.</summary>
internal static class NewUserParameters
{
    private static readonly TextParameter UserName = Text("username", "the name of the user, unique in the domain", required: true);
    private static readonly TextParameter Password = Text("password", "the password. Send it by POST, so that it is in no URL", required: true, length: 1024, secret: true);
    private static readonly TextParameter FirstName = Text("firstname", "the first name", required: true);
    private static readonly TextParameter LastName = Text("lastname", "the last name", required: true);
    private static readonly TextParameter Email = Text("email", "the e-mail address", required: true);
    private static readonly TextParameter TimeZone = Text("timezone", "the time zone");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [UserName, Password, Email, FirstName, LastName, TimeZone];

    /// <summary>Reads them. Outside of any transaction: hashing takes long, and waits for a place.</summary>
    public static async Task<(NewUser? User, ApiError? Refused)> ReadAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var password = call.Require(Password);
        if (string.IsNullOrWhiteSpace(password))
        {
            return (null, ApiError.InvalidParameter("Password cannot be empty or blank."));
        }

        return await call.Services.Passwords.HashAsync(password, call.Origin.Address, cancellationToken) is { } hash
            ? (new NewUser
            {
                UserName = call.Require(UserName),
                PasswordHash = hash,
                FirstName = call.Require(FirstName),
                LastName = call.Require(LastName),
                Email = call.Require(Email),
                TimeZone = call.Get(TimeZone),
            }, null)
            : (null, ApiError.TooManyPasswords());
    }
}
