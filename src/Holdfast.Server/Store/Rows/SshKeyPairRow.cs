using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An SSH key pair of an account. The private half is nowhere.</summary>
[Table("ssh_key_pairs")]
internal sealed record SshKeyPairRow
{
    [PrimaryKey, Column("id")]
    public required SshKeyPairId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    /// <summary>Once in an account, in exactly this writing.</summary>
    [Column("name"), NotNull]
    public required string Name { get; init; }

    /// <summary>Type and key, as a line of authorized_keys has them.</summary>
    [Column("public_key"), NotNull]
    public required string PublicKey { get; init; }

    /// <summary>MD5 of the key, in pairs of digits with colons.</summary>
    [Column("fingerprint"), NotNull]
    public required string Fingerprint { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
