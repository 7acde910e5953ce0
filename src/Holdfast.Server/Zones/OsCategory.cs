using Holdfast.Server.Api.Commands;

namespace Holdfast.Server.Zones;

/// <summary>A category of guest operating systems. Categories are names of <see cref="Store.Rows.OsTypeRow"/>; the id is made from the name.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
internal sealed record OsCategory(Guid Id, string Name)
{
    /// <summary>The category of a name.</summary>
    public static OsCategory Of(string name) => new(TextId.Of("os category", name), name);
}
