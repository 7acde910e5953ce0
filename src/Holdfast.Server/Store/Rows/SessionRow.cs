using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A login session of the API.</summary>
[Table("sessions")]
internal sealed record SessionRow
{
    [PrimaryKey, Column("id")]
    public required SessionId Id { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    /// <summary>SHA-256 of the cookie's value, lower-case hexadecimal.</summary>
    [Column("token_hash"), NotNull]
    public required string TokenHash { get; init; }

    /// <summary>SHA-256 of the session key, lower-case hexadecimal.</summary>
    [Column("session_key_hash"), NotNull]
    public required string SessionKeyHash { get; init; }

    /// <summary>Whether it can be used: it has shown the second factor, or needs none.</summary>
    [Column("is_verified")]
    public required bool IsVerified { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("last_used")]
    public required DateTimeOffset LastUsed { get; init; }

    [Column("expires")]
    public required DateTimeOffset Expires { get; init; }
}
