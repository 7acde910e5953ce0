using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>updateUser: above all, another password.</summary>
internal static class UpdateUserCommand
{
    private const int PasswordLength = 1024;

    private static readonly ValueParameter<UserId> User = Id<UserId>("id", "the id of the user", required: true);
    private static readonly TextParameter UserName = Text("username", "another name; no other user of the domain has it");
    private static readonly TextParameter FirstName = Text("firstname", "another first name");
    private static readonly TextParameter LastName = Text("lastname", "another last name");
    private static readonly TextParameter Email = Text("email", "another e-mail address");
    private static readonly TextParameter TimeZone = Text("timezone", "another time zone; empty for none", clearable: true);
    private static readonly TextParameter Password =
        Text("password", "a new password; all sessions of the user end. Send it by POST, so that it is in no URL", length: PasswordLength, secret: true, clearable: true);

    private static readonly TextParameter CurrentPassword = Text(
        "currentpassword",
        "the password until now: required with password, but of administrators; checked whenever users send it with their own",
        length: PasswordLength,
        secret: true);

    /// <summary>The command.</summary>
    public static ApiCommand Definition { get; } = new()
    {
        Name = "updateUser",
        Description = "Changes a user; for the user and for administrators",
        Roles = Roles.Authenticated,
        Parameters = [User, UserName, FirstName, LastName, Email, TimeZone, Password, CurrentPassword],
        Response = ResponseShape.Of("user", UserCommands.View),
        Handler = UpdateAsync,
    };

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        NewPassword? password = null;
        if (call.Get(Password) is { } typed)
        {
            var (made, refused) = await PasswordAsync(call, id, typed, cancellationToken);
            if (refused is not null)
            {
                return refused;
            }

            password = made;
        }

        var outcome = await call.Services.Of<IUserOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateUser
            {
                Id = id,
                UserName = call.Get(UserName),
                FirstName = call.Get(FirstName),
                LastName = call.Get(LastName),
                Email = call.Get(Email),
                TimeZone = call.Get(TimeZone),
                Password = password,
            },
            cancellationToken);
        return await outcome.ToResultAsync(async _ => await UserCommands.ShowAsync(call, id, cancellationToken));
    }

    // Outside of any transaction: checking and hashing take long, and wait for a place.
    private static async Task<(NewPassword? Made, ApiError? Refused)> PasswordAsync(CommandCall call, UserId id, string typed, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(typed))
        {
            return (null, ApiError.InvalidParameter("Password cannot be empty or blank."));
        }

        var current = call.Get(CurrentPassword);
        if (current is null && call.Caller.Role == Roles.User)
        {
            return (null, ApiError.InvalidParameter("To set a new password the current password must be provided."));
        }

        string? checkedAgainst = null;
        if (current is not null && id == call.Caller.UserId)
        {
            var user = await call.Services.Database.ReadAsync((db, ct) => db.Users.FirstOrDefaultAsync(u => u.Id == id && u.Removed == null, ct), cancellationToken);
            switch (await call.Services.Passwords.CheckAsync(call.Caller.UserName, current, user?.PasswordHash, call.Origin.Address, cancellationToken))
            {
                case PasswordCheck.Right right:
                    checkedAgainst = right.Stored;
                    break;
                case PasswordCheck.Busy:
                    return (null, ApiError.TooManyPasswords());
                default:
                    return (null, Faults.WrongCurrentPassword().ToError());
            }
        }

        return await call.Services.Passwords.HashAsync(typed, call.Origin.Address, cancellationToken) is { } hash
            ? (new NewPassword(hash, checkedAgainst), null)
            : (null, ApiError.TooManyPasswords());
    }
}
