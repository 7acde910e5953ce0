using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>
/// What a guest is told at its start: rows of it. Whoever gives a VM something new to be told counts <see cref="VmRow.Told"/> up: what is read in the guest does things once for
/// each number.
/// </summary>
internal static class GuestTelling
{
    // Sixteen characters.
    private const int PasswordBytes = 12;
    private const int MaxPasswordLength = 255;

    /// <summary>Gives a VM user data in place of what it has.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="vm">The VM, whose row the caller writes.</param>
    /// <param name="given">The user data. Values of variables alone leave the user data as it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The VM with it.</returns>
    public static async Task<VmRow> GiveAsync(StoreConnection db, VmRow vm, GivenUserData given, CancellationToken cancellationToken)
    {
        var content = given.Registered is { } id ? await db.UserData.Where(u => u.Id == id).Select(u => u.Content).FirstAsync(cancellationToken) : given.Content;
        if (content is not null)
        {
            await db.VmUserData.Where(u => u.VmId == vm.Id).DeleteAsync(cancellationToken);
            await db.InsertAsync(new VmUserDataRow { VmId = vm.Id, Content = content }, token: cancellationToken);
            vm = vm with { UserDataId = given.Registered };
        }

        return vm with { UserDataDetails = StoredText.Of(given.Details), Told = vm.Told + 1 };
    }

    /// <summary>Why registered user data cannot be given; null when it can, or none is.</summary>
    public static async Task<ApiFault?> WhyNotAsync(StoreConnection db, GivenUserData? given, string command, CancellationToken cancellationToken) =>
        given?.Registered is { } id && !await db.UserData.AnyAsync(u => u.Id == id, cancellationToken) ? Faults.NoSuchEntity(command, "userdataid", id) : null;

    /// <summary>A new password.</summary>
    public static Secret NewPassword(ISecretSource random) => new(random.Next(PasswordBytes));

    /// <summary>Why a password cannot be a guest's; null when it can.</summary>
    public static ApiFault? WhyNot(Secret password) => password.Reveal() is { Length: > 0 and <= MaxPasswordLength } text && !text.Any(char.IsControl) && Encoding.UTF8.GetByteCount(text) <= MaxPasswordLength
        ? null
        : Faults.Invalid($"A password has 1 to {MaxPasswordLength} bytes and no control characters");

    /// <summary>Gives a VM a password, which a job answers once more to who asked for it.</summary>
    public static VmRow Give(VmRow vm, Secret password, JobId job, SecretBox secrets) =>
        vm with { Password = secrets.Seal(SecretPurpose.VmPassword(vm.Id), password), PasswordJobId = job, PasswordTold = false };
}
