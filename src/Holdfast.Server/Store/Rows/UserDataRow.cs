using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>User data that an account has registered under a name.</summary>
[Table("user_data")]
internal sealed record UserDataRow
{
    [PrimaryKey, Column("id")]
    public required UserDataId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    /// <summary>Once in an account, in exactly this writing.</summary>
    [Column("name"), NotNull]
    public required string Name { get; init; }

    /// <summary>Base64, up to a mebibyte: read by those alone who need it.</summary>
    [Column("content"), NotNull]
    public required string Content { get; init; }

    /// <summary>The variables that it declares, as they were sent.</summary>
    [Column("params")]
    public string? Params { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
