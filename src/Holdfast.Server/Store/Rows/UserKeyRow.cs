using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A pair of keys with which a user signs requests; it ends with the user.</summary>
[Table("user_keys")]
internal sealed record UserKeyRow
{
    [PrimaryKey, Column("id")]
    public required UserKeyId Id { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    [Column("name")]
    public string? Name { get; init; }

    [Column("description")]
    public string? Description { get; init; }

    [Column("api_key"), NotNull]
    public required string ApiKey { get; init; }

    /// <summary>Sealed by SecretBox.</summary>
    [Column("secret_key"), NotNull]
    public required string SecretKey { get; init; }

    /// <summary>From when on it is taken; null: from its making on.</summary>
    [Column("starts")]
    public DateTimeOffset? Starts { get; init; }

    /// <summary>From when on it is not taken any more; null: it has no end.</summary>
    [Column("ends")]
    public DateTimeOffset? Ends { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
