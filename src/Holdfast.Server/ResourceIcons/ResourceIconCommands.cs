using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.ResourceIcons;

/// <summary>Commands about icons: of what belongs to accounts by whoever may change it, of domains by those who administer them, of all else by root administrators.</summary>
internal static class ResourceIconCommands
{
    // An upload is one statement, and a list answers the image of each.
    private const int MaxResources = 100;

    private static readonly ListParameter<string> Resources = Texts("resourceids", "the ids of the resources, comma-separated", required: true);
    private static readonly TextParameter ResourceType = Text("resourcetype", "the kind of the resources: UserVm, Template, Network, Project, Account, Zone, User or Domain", required: true);
    private static readonly TextParameter Image = Text(
        "base64image", "the image in Base64, also as a data URL: a PNG, JPEG or GIF file of at most 128 KiB and 1024 x 1024 pixels; by POST when it is more than some kilobytes", required: true, length: IconImage.MaxLength, multiLine: true);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "uploadResourceIcon",
            Description = "Gives an icon to resources, in place of those that they have: to all of them, or to none",
            Roles = Roles.Authenticated,
            Parameters = [Resources, ResourceType, Image],
            Response = ResponseShape.Success,
            Handler = UploadAsync,
        },
        new()
        {
            Name = "deleteResourceIcon",
            Description = "Takes the icons from resources",
            Roles = Roles.Authenticated,
            Parameters = [Resources, ResourceType],
            Response = ResponseShape.Success,
            Handler = async (call, ct) =>
            {
                var (kind, ids, error) = await ResourcesAsync(call, isToChange: true, ct);
                return kind is null ? error! : (await call.Services.Of<IResourceIconOperations>().DeleteAsync(call.Caller.ForOperations, kind, ids, ct)).ToResult();
            },
        },
        new()
        {
            Name = "listResourceIcon",
            Description = "Lists the icons of resources",
            Roles = Roles.Authenticated,
            Parameters = [Resources, ResourceType],
            Response = ResponseShape.Of(ResourceIconView.Key, ResourceIconView.View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> UploadAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, ids, error) = await ResourcesAsync(call, isToChange: true, cancellationToken);
        if (kind is null)
        {
            return error!;
        }

        var (image, whyNot) = IconImage.Read(call.Require(Image));
        return image is null
            ? ApiError.InvalidParameter($"Parameter base64image {whyNot}. Nothing was done")
            : (await call.Services.Of<IResourceIconOperations>().UploadAsync(call.Caller.ForOperations, kind, ids, image, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, ids, error) = await ResourcesAsync(call, isToChange: false, cancellationToken);
        if (kind is null)
        {
            return error!;
        }

        var icons = await call.Services.Database.ReadAsync(
            (db, ct) => db.ResourceIcons.Where(i => ids.Contains(i.ResourceId)).OrderBy(i => i.Created).ThenBy(i => i.ResourceId).ToListAsync(ct), cancellationToken);
        return ApiResult.List(ResourceIconView.Key, ResourceIconView.View, icons, icons.Count);
    }

    // The kind is a parameter too, so the binder cannot look the ids up; the rule is the same.
    private static async Task<(EntityKind? Kind, List<Guid> Ids, ApiError? Error)> ResourcesAsync(CommandCall call, bool isToChange, CancellationToken cancellationToken)
    {
        var wanted = call.Require(ResourceType);
        var kinds = call.Services.Of<EntityKinds>().All.Where(k => k.IconType is not null).ToList();
        if (kinds.Find(k => k.IconType!.Equals(wanted, StringComparison.OrdinalIgnoreCase)) is not { } kind)
        {
            return (null, [], ApiError.InvalidParameter($"Invalid parameter resourcetype value={wanted}: resources with icons are {string.Join(", ", kinds.Select(k => k.IconType))}"));
        }

        var texts = call.Require(Resources);
        if (texts.Count is 0 or > MaxResources)
        {
            return (null, [], ApiError.InvalidParameter($"Parameter resourceids must have 1 to {MaxResources} ids"));
        }

        var ids = new List<Guid>();
        foreach (var text in texts)
        {
            if (!Guid.TryParseExact(text, "D", out var id))
            {
                return (null, [], call.UnknownEntity(Resources, text));
            }

            ids.Add(id);
        }

        ids = [.. ids.Distinct()];
        var found = await call.Services.Entities.FindAsync(new EntityReference(kind.IdType, isToChange), ids, call.Caller, cancellationToken);
        if (ids.Where(id => !found.Contains(id)).Select(id => (Guid?)id).FirstOrDefault() is { } missing)
        {
            return (null, [], call.UnknownEntity(Resources, missing));
        }

        return isToChange && NoteRule.WhyNot(call.Caller, kind, ids, "icons") is { } whyNot ? (null, [], whyNot) : (kind, ids, null);
    }
}
