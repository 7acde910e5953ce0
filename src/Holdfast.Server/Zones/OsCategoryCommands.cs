using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Zones;

/// <summary>Commands about categories of guest operating systems.</summary>
internal static class OsCategoryCommands
{
    private static readonly ValueParameter<Guid> FilterId = AnyId("id", "the id of the category");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the category, whatever its case");

    private static readonly View<OsCategory> View = Api.Commands.View<OsCategory>.Build(v => v
        .Uuid("id", "the id of the category", c => c.Id)
        .Text("name", "the name of the category", c => c.Name));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listOsCategories",
            Description = "Lists categories of guest operating system types",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, .. CommonParameters.List],
            Response = ResponseShape.Of("oscategory", View),
            Handler = ListAsync,
        },
    ];

    /// <summary>The categories, by name: a handful.</summary>
    internal static async Task<IReadOnlyList<OsCategory>> ReadAsync(StoreConnection db, CancellationToken cancellationToken) =>
    [
        .. (await db.OsTypes.Select(o => o.Category).Distinct().ToListAsync(cancellationToken)).Order(StringComparer.Ordinal).Select(OsCategory.Of),
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId);
        var name = call.Get(FilterName);
        var keyword = call.Get(CommonParameters.Keyword);
        var found = (await call.Services.Database.ReadAsync(ReadAsync, cancellationToken))
            .Where(c => (id is null || c.Id == id)
                && (name is null || c.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                && (keyword is null || c.Name.Contains(keyword, StringComparison.OrdinalIgnoreCase)))
            .ToList();
        return ApiResult.List("oscategory", View, [.. found.Skip(call.Page.Offset).Take(call.Page.Limit ?? found.Count)], found.Count);
    }
}
