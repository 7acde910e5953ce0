using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Api.Commands;

/// <summary>Who owns a thing, as responses show it: an account, or a project.</summary>
internal static class OwnerView
{
    /// <summary>The fields.</summary>
    public static View<AccountRow> View { get; } = View<AccountRow>.Build(v => v
        .Text("account", "the account that owns it; not there for what a project has", a => a.IsProject ? null : a.Name)
        .OptionalId("projectid", "the id of the project that owns it", a => a.ProjectId)
        .Text("project", "the project that owns it", a => a.IsProject ? a.Name : null));
}
