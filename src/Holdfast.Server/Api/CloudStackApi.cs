using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Server.Api;

/// <summary>Puts the CloudStack API into a web application.</summary>
internal static class CloudStackApi
{
    /// <summary>Registers the API. Needs a <see cref="TimeProvider"/>, the store and the operations among the services.</summary>
    public static IServiceCollection AddCloudStackApi(this IServiceCollection services)
    {
        // The framework's own request log writes whole URLs, and signatures and session keys travel in them.
        services.AddLogging(logging => logging
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore.Routing", LogLevel.Warning));
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = RequestReader.MaxRequestLineBytes;
        });
        services.AddSingleton<IUserDirectory, UserDirectory>();
        services.AddSingleton<ISessionStore, SessionStore>();
        services.AddSingleton<IEntityDirectory, EntityDirectory>();
        services.AddSingleton<LoginThrottle>();
        services.AddSingleton(new PasswordDeskLimits());
        services.AddSingleton<PasswordDesk>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<RequestAuthenticator>();
        services.AddSingleton<ApiEndpoint>();
        services.AddSingleton<ApiServices>();
        services.AddSingleton<ApiCommandTable>();
        return services;
    }

    /// <summary>Maps the endpoint, with and without a slash at its end.</summary>
    public static void MapCloudStackApi(this IEndpointRouteBuilder routes)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<ApiEndpoint>();
        routes.MapMethods(ApiEndpoint.Path, [HttpMethods.Get, HttpMethods.Post], endpoint.HandleAsync);
    }
}
