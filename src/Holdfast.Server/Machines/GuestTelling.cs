using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
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

    /// <summary>Finds out what a VM is told when it is given user data, or none: its template's counts, too.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="template">The VM's template.</param>
    /// <param name="given">The user data.</param>
    /// <param name="command">What asks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What it is told, or why it cannot be given that.</returns>
    public static async Task<(Telling? Telling, ApiFault? Fault)> PrepareAsync(StoreConnection db, TemplateRow? template, GivenUserData given, string command, CancellationToken cancellationToken)
    {
        var own = given.Content;
        if (given.Registered is { } id && (own = await db.UserData.Where(u => u.Id == id).Select(u => u.Content).FirstOrDefaultAsync(cancellationToken)) is null)
        {
            return (null, Faults.NoSuchEntity(command, "userdataid", id));
        }

        var linked = await LinkedUserData.OfAsync(db, template, cancellationToken);
        if (own is not null && linked is { Policy: UserDataPolicy.DenyOverride })
        {
            return (null, Faults.Invalid($"UserData input is not allowed here since template {linked.Template.Name} ({linked.Template.Id}) is configured to deny any userdata"));
        }

        var (content, ofTemplate, tooLong) = LinkedUserData.Told(own, linked);
        return tooLong is not null
            ? (null, tooLong)
            : (new Telling(content, ofTemplate, ofTemplate ? own : null, own is null && ofTemplate ? linked!.Id : given.Registered, given.Details), null);
    }

    /// <summary>The same for a VM that is there.</summary>
    public static async Task<(Telling? Telling, ApiFault? Fault)> PrepareAsync(StoreConnection db, VmRow vm, GivenUserData given, string command, CancellationToken cancellationToken) =>
        await PrepareAsync(db, await db.Templates.FirstOrDefaultAsync(t => t.Id == vm.TemplateId, cancellationToken), given, command, cancellationToken);

    /// <summary>Gives a VM user data in place of what it has.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="vm">The VM, whose row the caller writes.</param>
    /// <param name="telling">What it is told; nothing leaves the user data as it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The VM with it.</returns>
    public static async Task<VmRow> GiveAsync(StoreConnection db, VmRow vm, Telling telling, CancellationToken cancellationToken)
    {
        if (telling.Content is { } content)
        {
            await db.VmUserData.Where(u => u.VmId == vm.Id).DeleteAsync(cancellationToken);
            await db.InsertAsync(new VmUserDataRow { VmId = vm.Id, Content = content, OfTemplate = telling.OfTemplate, Own = telling.Own }, token: cancellationToken);
            vm = vm with { UserDataId = telling.Registered };
        }

        return vm with { UserDataDetails = StoredText.Of(telling.Details), Told = vm.Told + 1 };
    }

    /// <summary>Finds out what a VM is told when it has a root disk from a template: what it was given itself stays, what its template had goes.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="template">The template.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What it is told; null: what it is told already. Or why it cannot be told that.</returns>
    public static async Task<(Telling? Telling, ApiFault? Fault)> PrepareAgainAsync(StoreConnection db, VmRow vm, TemplateRow? template, CancellationToken cancellationToken)
    {
        var linked = await LinkedUserData.OfAsync(db, template, cancellationToken);
        var isLinked = linked is not null;
        var has = await db.VmUserData.FirstOrDefaultAsync(u => u.VmId == vm.Id && (isLinked || u.OfTemplate), cancellationToken);
        if (has is null && linked is null)
        {
            return (null, null);
        }

        var own = has is { OfTemplate: true } ? has.Own : has?.Content;
        var (content, ofTemplate, tooLong) = LinkedUserData.Told(own, linked);
        return tooLong is not null || content == has?.Content
            ? (null, tooLong)
            : (new Telling(content, ofTemplate, ofTemplate ? own : null, own is not null ? vm.UserDataId : ofTemplate ? linked!.Id : null, StoredText.Map(vm.UserDataDetails)), null);
    }

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

/// <summary>What a VM is told of user data.</summary>
/// <param name="Content">Base64; null: nothing.</param>
/// <param name="OfTemplate">Whether its template's is in it.</param>
/// <param name="Own">What it was given itself, where the template's is in it.</param>
/// <param name="Registered">The registered user data that it shows to have.</param>
/// <param name="Details">The values of variables.</param>
internal sealed record Telling(string? Content, bool OfTemplate, string? Own, UserDataId? Registered, IReadOnlyDictionary<string, string> Details);
