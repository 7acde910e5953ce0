using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Holdfast.Server.Api.Transport;

/// <summary>Reads the parameters of a request from its query string and, for POST, its form body, within fixed bounds.</summary>
internal static class RequestReader
{
    /// <summary>Bytes of a body; user data travels in it.</summary>
    public const int MaxBodyBytes = 2 * 1024 * 1024;

    /// <summary>Bytes of a request line; lists of 500 ids travel in it.</summary>
    public const int MaxRequestLineBytes = 64 * 1024;

    /// <summary>Parameters of one request.</summary>
    public const int MaxParameters = 1024;

    private const int MaxNameLength = 256;

    /// <summary>Reads a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">The client went away.</param>
    /// <returns>The parameters, or why they cannot be read.</returns>
    public static async Task<ReadOutcome> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var pair in new QueryStringEnumerable(request.QueryString.Value))
        {
            if (pairs.Count == MaxParameters)
            {
                return new ReadOutcome(null, TooMany());
            }

            pairs.Add(new(pair.DecodeName().ToString(), pair.DecodeValue().ToString()));
        }

        if (HttpMethods.IsPost(request.Method) && request.ContentLength != 0 && HasBody(request))
        {
            if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true)
            {
                return new ReadOutcome(null, ApiError.BadRequest("A POST body must be application/x-www-form-urlencoded"));
            }

            if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            {
                limit.MaxRequestBodySize = MaxBodyBytes;
            }

            try
            {
                using var form = new FormReader(request.Body, Encoding.UTF8)
                {
                    ValueCountLimit = MaxParameters,
                    KeyLengthLimit = MaxNameLength,
                    ValueLengthLimit = MaxBodyBytes,
                };
                while (await form.ReadNextPairAsync(cancellationToken) is { } pair)
                {
                    if (pairs.Count == MaxParameters)
                    {
                        return new ReadOutcome(null, TooMany());
                    }

                    pairs.Add(pair);
                }
            }
            catch (InvalidDataException)
            {
                return new ReadOutcome(null, ApiError.BadRequest("The form body cannot be read: too large, or a name too long"));
            }
            catch (BadHttpRequestException)
            {
                return new ReadOutcome(null, ApiError.BadRequest($"The form body cannot be read: broken off, or over {MaxBodyBytes} bytes"));
            }
        }

        return RequestParameters.TryCollect(pairs, out var parameters, out var error) ? new ReadOutcome(parameters, null) : new ReadOutcome(null, error);
    }

    private static ApiError TooMany() => ApiError.BadRequest($"A request has at most {MaxParameters} parameters");

    private static bool HasBody(HttpRequest request) =>
        request.ContentLength > 0 || request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    /// <summary>What reading gave: exactly one of the two is set.</summary>
    /// <param name="Parameters">The parameters.</param>
    /// <param name="Error">Why not.</param>
    internal sealed record ReadOutcome(RequestParameters? Parameters, ApiError? Error)
    {
        /// <summary>Splits the outcome.</summary>
        public bool IsRead([NotNullWhen(true)] out RequestParameters? parameters, [NotNullWhen(false)] out ApiError? error)
        {
            parameters = Parameters;
            error = Error;
            return parameters is not null;
        }
    }
}
