using Holdfast.Server.Store;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Commands;

/// <summary>Tags that hosts and storage pools have for placement, as lists of their own: operators choose from them. They are texts; two that differ in case are one.</summary>
internal static class PlacementTags
{
    /// <summary>Makes the command that lists them.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="what">What has the tags.</param>
    /// <param name="read">The comma-separated tags of all that there are.</param>
    public static ApiCommand List(string name, string key, string what, Func<StoreConnection, IQueryable<string>> read)
    {
        var view = View<string>.Build(v => v
            .Uuid("id", "the id of the tag", tag => TextId.Of(key, tag.ToLowerInvariant()))
            .Text("name", "the tag", tag => tag));
        return new ApiCommand
        {
            Name = name,
            Description = $"Lists the tags that {what} have",
            Roles = Roles.RootAdmin,
            Parameters = CommonParameters.List,
            Response = ResponseShape.Of(key, view),
            Handler = async (call, ct) =>
            {
                var keyword = call.Get(CommonParameters.Keyword);
                var found = (await call.Services.Database.ReadAsync((db, token) => read(db).Distinct().ToListAsync(token), ct))
                    .SelectMany(Csv.Split)
                    .Distinct(StringComparer.OrdinalIgnoreCase)
                    .Where(tag => keyword is null || tag.Contains(keyword, StringComparison.OrdinalIgnoreCase))
                    .Order(StringComparer.OrdinalIgnoreCase)
                    .ToList();
                return ApiResult.List(key, view, [.. found.Skip(call.Page.Offset).Take(call.Page.Limit ?? found.Count)], found.Count);
            },
        };
    }
}
