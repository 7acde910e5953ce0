using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.UserData;

/// <summary>Commands about registered user data.</summary>
internal static class UserDataCommands
{
    private const string Key = "userdata";

    private static readonly TextParameter Name = Text("name", "the name of the user data", required: true);
    private static readonly TextParameter Content = Text("userdata", "the user data in Base64; by POST when it is more than some kilobytes", required: true, length: UserDataText.MaxLength, multiLine: true);
    private static readonly TextParameter Variables = Text("params", "the names of the variables that it declares, separated by commas; kept and shown");
    private static readonly ValueParameter<UserDataId> Id = Id<UserDataId>("id", "the id of the user data", required: true, toChange: true);
    private static readonly ValueParameter<UserDataId> FilterId = Id<UserDataId>("id", "the id of the user data");
    private static readonly TextParameter FilterName = Text("name", "the name of the user data");

    private static readonly View<UserDataEntry> View = Api.Commands.View<UserDataEntry>.Build(v => v
        .Id("id", "the id of the user data", e => e.Id)
        .Text("name", "the name of the user data", e => e.Name)
        .OptionalId("accountid", "the id of the account that owns it", e => e.Account.ShownId)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Name)
        .Text("domainpath", "the path of the owner's domain", e => e.Domain.Path)
        .Text("userdata", "the user data in Base64, where one is asked for by id, or by name in an account", e => e.Content)
        .Text("params", "the names of the variables that it declares", e => e.Params));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "registerUserData",
            Description = "Registers user data under a name",
            Roles = Roles.Authenticated,
            Parameters = [Name, Content, Variables, .. OwnerParameters.All],
            Response = ResponseShape.Of(Key, View),
            Handler = RegisterAsync,
        },
        new()
        {
            Name = "deleteUserData",
            Description = "Deletes registered user data that no VM has",
            Roles = Roles.Authenticated,
            Parameters = [Id, .. OwnerParameters.All],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
        new()
        {
            Name = "listUserData",
            Description = "Lists registered user data",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> RegisterAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(call.Require(Name)))
        {
            return ApiError.InvalidParameter($"Parameter name of {call.Command.Name} must be a name");
        }

        if (UserDataText.Read(call.Require(Content)) is not { } content)
        {
            return NotBase64();
        }

        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (maker is null)
        {
            return notOwner!;
        }

        var outcome = await call.Services.Of<IUserDataOperations>().RegisterAsync(maker, call.Require(Name), content, call.Get(Variables), cancellationToken);
        return await outcome.ToResultAsync<UserDataId>(async id =>
        {
            var entry = await call.Services.Database.ReadAsync((db, ct) => Entries(db, db.UserData.Where(u => u.Id == id), db.Accounts, withContent: true).FirstAsync(ct), cancellationToken);
            return ApiResult.Object(Key, View, entry);
        });
    }

    /// <summary>The error of user data that <see cref="UserDataText"/> cannot read.</summary>
    public static ApiError NotBase64() => ApiError.InvalidParameter("Parameter userdata: User data is not base64 encoded, or of nothing. Nothing was done");

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        // The id says which; whose it is, the caller may say too, and it has to be an account that the caller may act for.
        var (owner, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (owner is null)
        {
            return notOwner!;
        }

        return (await call.Services.Of<IUserDataOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Id), cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, name) = (call.Get(FilterId), call.Get(FilterName));
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(
                    db,
                    db.UserData.Where(u => (id == null || u.Id == id) && (name == null || u.Name == name) && (keyword == null || u.Name.ToLower().Contains(keyword))),
                    Ownership.AskedFor(db, call, id is not null),
                    withContent: id is not null || (name is not null && call.Get(CommonParameters.ListAll) != true && call.Get(CommonParameters.IsRecursive) != true)),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    // A page of contents would be hundreds of mebibytes.
    private static IQueryable<UserDataEntry> Entries(StoreConnection db, IQueryable<UserDataRow> rows, IQueryable<AccountRow> owners, bool withContent) =>
        from row in rows
        join account in owners on row.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        orderby row.Created, row.Id
        select new UserDataEntry { Id = row.Id, Name = row.Name, Params = row.Params, Content = withContent ? row.Content : null, Account = account, Domain = domain };

    private sealed record UserDataEntry
    {
        public required UserDataId Id { get; init; }

        public required string Name { get; init; }

        public string? Params { get; init; }

        public string? Content { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }
    }
}
