using System.Security.Cryptography;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.SshKeyPairs;

/// <summary>Commands about SSH key pairs.</summary>
internal static class SshKeyPairCommands
{
    private const int Bits = 2048;

    private static readonly TextParameter Name = Text("name", "the name of the key pair", required: true);
    private static readonly TextParameter PublicKey = Text("publickey", "the public key, as in a .pub file", required: true, length: SshPublicKey.MaxLength, multiLine: true);
    private static readonly ValueParameter<SshKeyPairId> FilterId = Id<SshKeyPairId>("id", "the id of the key pair");
    private static readonly TextParameter FilterName = Text("name", "the name of the key pair");
    private static readonly TextParameter FilterFingerprint = Text("fingerprint", "the fingerprint of the key");

    private static readonly View<SshKeyPairEntry> View = Build(_ => { });

    private static readonly View<SshKeyPairEntry> CreatedView = Build(v => v.Text("privatekey", "the private key (PEM); it is kept nowhere and shown this once", e => e.PrivateKey?.Reveal()));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createSSHKeyPair",
            Description = "Makes an SSH key pair (RSA, 2048 bits) and answers its private key, once",
            Roles = Roles.Authenticated,
            Parameters = [Name, .. OwnerParameters.All],
            Response = ResponseShape.Of("keypair", CreatedView),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "registerSSHKeyPair",
            Description = "Registers a public SSH key under a name",
            Roles = Roles.Authenticated,
            Parameters = [Name, PublicKey, .. OwnerParameters.All],
            Response = ResponseShape.Of("keypair", View),
            Handler = RegisterAsync,
        },
        new()
        {
            Name = "deleteSSHKeyPair",
            Description = "Deletes an SSH key pair; VMs that were given its key keep it",
            Roles = Roles.Authenticated,
            Parameters = [Name, .. OwnerParameters.All],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
        new()
        {
            Name = "listSSHKeyPairs",
            Description = "Lists SSH key pairs",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, FilterFingerprint, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("sshkeypair", View),
            Handler = ListAsync,
        },
    ];

    private static View<SshKeyPairEntry> Build(Action<View<SshKeyPairEntry>.Builder> more) => View<SshKeyPairEntry>.Build(v =>
    {
        v.Id("id", "the id of the key pair", e => e.Pair.Id)
            .Text("name", "the name of the key pair", e => e.Pair.Name)
            .Include(OwnerView.View, e => e.Account)
            .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
            .Text("domain", "the owner's domain", e => e.Domain.Name)
            .Text("domainpath", "the path of the owner's domain", e => e.Domain.Path)
            .Text("fingerprint", "the fingerprint of the public key (MD5)", e => e.Pair.Fingerprint);
        more(v);
    });

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        // Before the transaction, which would hold others up while it is made.
        using var pair = RSA.Create(Bits);
        return await AddAsync(call, SshPublicKey.Of(pair.ExportParameters(includePrivateParameters: false)), new Secret(pair.ExportRSAPrivateKeyPem() + "\n"), cancellationToken);
    }

    private static Task<ApiResult> RegisterAsync(CommandCall call, CancellationToken cancellationToken) =>
        SshPublicKey.Read(call.Require(PublicKey)) is { } key
            ? AddAsync(call, key, null, cancellationToken)
            : Task.FromResult<ApiResult>(ApiError.InvalidParameter($"Public key is invalid: parameter publickey must be a whole line of a .pub file, of one of the types {string.Join(", ", SshPublicKey.Types)}"));

    private static async Task<ApiResult> AddAsync(CommandCall call, SshPublicKey key, Secret? made, CancellationToken cancellationToken)
    {
        var name = call.Require(Name);
        if (string.IsNullOrWhiteSpace(name) || name.Contains(',', StringComparison.Ordinal))
        {
            return ApiError.InvalidParameter($"Parameter name of {call.Command.Name} must be a name without commas: VMs are given key pairs by a list of names");
        }

        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (maker is null)
        {
            return notOwner!;
        }

        var outcome = await call.Services.Of<ISshKeyPairOperations>().AddAsync(maker, name, key, made is null, cancellationToken);
        return await outcome.ToResultAsync<SshKeyPairRow>(async row =>
        {
            var entry = await call.Services.Database.ReadAsync((db, ct) => Entries(db, db.Accounts).FirstAsync(e => e.Pair.Id == row.Id, ct), cancellationToken);
            return made is null
                ? ApiResult.Object("keypair", View, entry)
                : ApiResult.Object("keypair", CreatedView, entry with { PrivateKey = made });
        });
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (owner, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        return owner is null
            ? notOwner!
            : (await call.Services.Of<ISshKeyPairOperations>().DeleteAsync(owner, call.Require(Name), cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, name, fingerprint) = (call.Get(FilterId), call.Get(FilterName), call.Get(FilterFingerprint)?.ToLowerInvariant());
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from entry in Entries(db, Ownership.AskedFor(db, call, id is not null))
                where (id == null || entry.Pair.Id == id)
                    && (name == null || entry.Pair.Name == name)
                    && (fingerprint == null || entry.Pair.Fingerprint == fingerprint)
                    && (keyword == null || entry.Pair.Name.ToLower().Contains(keyword) || entry.Pair.Fingerprint.Contains(keyword))
                orderby entry.Pair.Created, entry.Pair.Id
                select entry,
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("sshkeypair", View, listing.Rows, listing.Total);
    }

    private static IQueryable<SshKeyPairEntry> Entries(StoreConnection db, IQueryable<AccountRow> owners) =>
        from pair in db.SshKeyPairs
        join account in owners on pair.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        select new SshKeyPairEntry { Pair = pair, Account = account, Domain = domain };

    private sealed record SshKeyPairEntry
    {
        public required SshKeyPairRow Pair { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public Secret? PrivateKey { get; init; }
    }
}
