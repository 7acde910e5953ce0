using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.ResourceIcons;

/// <summary>A list of objects that may have icons, which are answered when they are asked for. Immutable.</summary>
/// <typeparam name="T">What an object is made from.</typeparam>
internal sealed class IconedList<T>
{
    private readonly string _key;
    private readonly View<Iconed> _view;
    private readonly Func<T, IEnumerable<Guid>> _resources;

    /// <summary>Made once for each list.</summary>
    /// <param name="key">The objects' key.</param>
    /// <param name="view">The objects without icons.</param>
    /// <param name="resources">Whose icon an object has: that of the first of these that has one.</param>
    public IconedList(string key, View<T> view, Func<T, IEnumerable<Guid>> resources)
    {
        _key = key;
        _resources = resources;
        _view = View<Iconed>.Build(v => v
            .Object("icon", "its icon, with showicon=true", ResourceIconView.View, e => e.Icon)
            .Include(view, e => e.Row));
        Response = ResponseShape.Of(key, _view);
    }

    /// <summary>What the list answers.</summary>
    public ResponseShape Response { get; }

    /// <summary>Answers a page.</summary>
    /// <param name="call">A call of a command with <see cref="IconedList.Show"/>.</param>
    /// <param name="listing">The page.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public async Task<ApiResult> AnswerAsync(CommandCall call, Listing<T> listing, CancellationToken cancellationToken)
    {
        var icons = call.Get(IconedList.Show) == true && listing.Rows.Count > 0
            ? (await call.Services.Database.ReadAsync(
                (db, ct) => Listing.ChildrenAsync(listing.Rows.SelectMany(_resources), chunk => db.ResourceIcons.Where(i => chunk.Contains(i.ResourceId)), ct),
                cancellationToken)).ToDictionary(i => i.ResourceId)
            : [];
        return ApiResult.List(
            _key, _view, [.. listing.Rows.Select(row => new Iconed(row, _resources(row).Select(icons.GetValueOrDefault).FirstOrDefault(icon => icon is not null)))], listing.Total);
    }

    private sealed record Iconed(T Row, ResourceIconRow? Icon);
}

/// <summary>What all lists with icons have.</summary>
internal static class IconedList
{
    /// <summary>Whether icons are answered.</summary>
    public static ValueParameter<bool> Show { get; } = Bool("showicon", "whether the icons of what is listed are answered with it");
}

/// <summary>The icon object.</summary>
internal static class ResourceIconView
{
    /// <summary>Its key.</summary>
    public const string Key = "icon";

    /// <summary>The object.</summary>
    public static View<ResourceIconRow> View { get; } = View<ResourceIconRow>.Build(v => v
        .Text("base64image", "the image in Base64: a PNG, JPEG or GIF file", i => i.Image)
        .Text("resourcetype", "the kind of the resource that has it", i => i.ResourceType)
        .Uuid("resourceid", "the id of the resource that has it", i => i.ResourceId));
}
