using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A user of an account.</summary>
[Table("users")]
internal sealed record UserRow
{
    [PrimaryKey, Column("id")]
    public required UserId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("username"), NotNull]
    public required string Username { get; init; }

    /// <summary>Made by PasswordHash; null: no login by password.</summary>
    [Column("password_hash")]
    public string? PasswordHash { get; init; }

    [Column("first_name"), NotNull]
    public required string FirstName { get; init; }

    [Column("last_name"), NotNull]
    public required string LastName { get; init; }

    [Column("email"), NotNull]
    public required string Email { get; init; }

    [Column("state"), NotNull]
    public required string State { get; init; }

    /// <summary>The key of the second factor, sealed by SecretBox; null: none was set up.</summary>
    [Column("totp_key")]
    public string? TotpKey { get; init; }

    /// <summary>Since when logins need it; null: no code of it was shown yet.</summary>
    [Column("totp_since")]
    public DateTimeOffset? TotpSince { get; init; }

    /// <summary>The step of time of the last code that was taken.</summary>
    [Column("totp_step")]
    public long? TotpStep { get; init; }

    [Column("timezone")]
    public string? Timezone { get; init; }

    /// <summary>Notes about it, which addResourceDetail makes.</summary>
    [Column("details"), NotNull]
    public string Details { get; init; } = "{}";

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
