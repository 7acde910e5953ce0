using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Server.Api.Transport;

/// <summary>The part of a list that is asked for.</summary>
/// <param name="Offset">Rows before it.</param>
/// <param name="Limit">Rows in it; null for all.</param>
internal sealed record Page(int Offset, int? Limit)
{
    /// <summary>Rows of a page when the caller names no size, and the most a caller may name.</summary>
    public const int MaxSize = 500;

    /// <summary>The page when nothing was asked for.</summary>
    public static Page Default { get; } = new(0, MaxSize);

    /// <summary>Checks what was asked for.</summary>
    /// <param name="page">1-based page number.</param>
    /// <param name="pageSize">Rows in a page; -1 for all rows, then without a page number.</param>
    /// <param name="result">The page.</param>
    /// <param name="error">Why not.</param>
    /// <returns>Whether the two fit.</returns>
    public static bool TryMake(int? page, int? pageSize, [NotNullWhen(true)] out Page? result, [NotNullWhen(false)] out ApiError? error)
    {
        (result, error) = (page, pageSize) switch
        {
            (null, null) => (Default, null),
            (null, -1) => (new Page(0, null), null),
            (null, _) => ((Page?)null, ApiError.InvalidParameter("\"page\" parameter is required when \"pagesize\" is specified")),
            (_, null) => (null, ApiError.InvalidParameter("\"pagesize\" parameter is required when \"page\" is specified")),
            (_, > MaxSize) => (null, ApiError.InvalidParameter($"Page size can't exceed max allowed page size value: {MaxSize}")),
            (_, < 1) => (null, ApiError.InvalidParameter("Invalid parameter pagesize: a page has at least one row")),
            (< 1, _) => (null, ApiError.InvalidParameter("Invalid parameter page: pages count from 1")),
            var (p, s) when (long)(p.Value - 1) * s.Value > int.MaxValue => (null, ApiError.InvalidParameter("Invalid parameter page: too high")),
            var (p, s) => (new Page((p.Value - 1) * s.Value, s), null),
        };
        return result is not null;
    }
}
