using Microsoft.Extensions.Primitives;

namespace Holdfast.DriverKit.Serving;

/// <summary>What a caller asked.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path without the query.</param>
/// <param name="Query">Query parameters.</param>
/// <param name="Body">The body, at most <see cref="DriverEndpoints.BodyLimit"/> bytes.</param>
/// <param name="CallId">The caller's id of the call; null when it gave none.</param>
/// <param name="DeadlineMs">The deadline header; null when it gave none.</param>
internal sealed record DriverRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, StringValues> Query,
    ReadOnlyMemory<byte> Body,
    string? CallId,
    string? DeadlineMs);
