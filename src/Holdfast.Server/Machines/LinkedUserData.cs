using Holdfast.Core.Guests;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>User data that a template has for the VMs that are made from it.</summary>
/// <param name="Template">The template.</param>
/// <param name="Id">The registered user data.</param>
/// <param name="Content">Base64.</param>
/// <param name="Policy">What becomes of it when a VM is given its own.</param>
internal sealed record LinkedUserData(TemplateRow Template, UserDataId Id, string Content, UserDataPolicy Policy)
{
    /// <summary>That of a template; null: it has none. A statement only where it may have.</summary>
    public static async Task<LinkedUserData?> OfAsync(StoreConnection db, TemplateRow? template, CancellationToken cancellationToken) =>
        template?.UserDataId is { } id && await db.UserData.Where(u => u.Id == id).Select(u => u.Content).FirstOrDefaultAsync(cancellationToken) is { } content
            ? new LinkedUserData(template, id, content, template.UserDataPolicy ?? UserDataPolicy.AllowOverride)
            : null;

    /// <summary>What the guest of a VM is told.</summary>
    /// <param name="own">What the VM was given itself; null: nothing.</param>
    /// <param name="linked">What its template has; null: nothing.</param>
    /// <returns>Base64, null for nothing, and whether the template's is in it; or why it cannot be told.</returns>
    public static (string? Content, bool OfTemplate, ApiFault? Fault) Told(string? own, LinkedUserData? linked)
    {
        if (linked is null || (own is not null && linked.Policy == UserDataPolicy.AllowOverride))
        {
            return (own, false, null);
        }

        if (own is null || linked.Policy == UserDataPolicy.DenyOverride)
        {
            return (linked.Content, true, null);
        }

        return CombinedUserData.Of(linked.Content, own, UserDataText.MaxLength) is { } both
            ? (both, true, null)
            : (null, false, Faults.Invalid($"The user data and that of template {linked.Template.Name} ({linked.Template.Id}), which it is added to, are too long together: both may have {UserDataText.MaxLength} characters of Base64"));
    }
}
