using Microsoft.AspNetCore.Routing;

namespace Holdfast.Server.Api;

/// <summary>The CloudStack API on its listener.</summary>
internal static class CloudStackApi
{
    /// <summary>Maps <c>/client/api</c> and what belongs to it.</summary>
    public static IEndpointRouteBuilder MapCloudStackApi(this IEndpointRouteBuilder app) => app;
}
