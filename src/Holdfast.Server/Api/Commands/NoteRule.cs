using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>
/// Who changes what is noted on an entity: its details, its icon. What an account owns, whoever reaches it. What is nobody's, root administrators. Users, accounts, domains and
/// projects are owned, too, but who changes those has rules of its own (roles, owners among members, root administrators' accounts): notes on them are root administrators' as well, but
/// for those on oneself.
/// </summary>
internal static class NoteRule
{
    private static readonly HashSet<Type> People = [typeof(UserId), typeof(AccountId), typeof(DomainId), typeof(ProjectId)];

    /// <summary>Why the caller cannot change what is noted; null: it can.</summary>
    /// <param name="caller">Who asks, and reaches them.</param>
    /// <param name="kind">The kind of the entities.</param>
    /// <param name="ids">The entities.</param>
    /// <param name="notes">What it is, for the text.</param>
    public static ApiError? WhyNot(ApiCaller caller, EntityKind kind, IEnumerable<Guid> ids, string notes)
    {
        if (caller.IsRootAdmin || (kind.Reach == EntityReach.Owner && !People.Contains(kind.IdType)))
        {
            return null;
        }

        return ids.Where(id => !IsSelf(caller, kind, id)).Select(id => (Guid?)id).FirstOrDefault() is { } other
            ? new ApiError(531, ApiErrorCodes.PermissionDenied, $"Only root administrators change {notes} of {kind.Name} {other}")
            : null;
    }

    private static bool IsSelf(ApiCaller caller, EntityKind kind, Guid id) =>
        (kind.IdType == typeof(UserId) && id == caller.UserId.Value) || (kind.IdType == typeof(AccountId) && id == caller.AccountId.Value);
}
