using System.Globalization;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;
using Holdfast.Server.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Holdfast.Server.Agents;

/// <summary>
/// The agent gateway (<see cref="AgentGateway"/>). Everything but the authority's certificate and the join needs a client certificate of an installation that is
/// known and not retired.
/// </summary>
internal static class AgentEndpoints
{
    private const long MaxReportBytes = 16 << 20;
    private const long MaxStrangerBytes = 64 << 10;

    /// <summary>
    /// Serves a request that came in by the gateway's port. Not by the framework's routing: its table is shared with the API, and neither may ever answer on
    /// the other's port.
    /// </summary>
    public static Task HandleAsync(HttpContext context)
    {
        Limit(context, MaxStrangerBytes);
        return (context.Request.Method, context.Request.Path.Value) switch
        {
            ("GET", AgentGateway.AuthorityPath) => AuthorityAsync(context),
            ("POST", AgentGateway.JoinPath) => JoinAsync(context),
            ("POST", AgentGateway.RenewPath) => RenewAsync(context),
            ("PUT", AgentGateway.ReportPath) => ReportAsync(context),
            ("GET", AgentGateway.WatchPath) => WatchAsync(context),
            ("GET", AgentGateway.GuestPath) => GuestAsync(context),
            _ => RefuseAsync(context, StatusCodes.Status404NotFound, "the agent gateway has no such resource"),
        };
    }

    private static void Limit(HttpContext context, long bytes) => context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = bytes;

    private static Task AuthorityAsync(HttpContext context)
    {
        context.Response.ContentType = "application/x-pem-file";
        return context.Response.WriteAsync(Service<Authority>(context).CertificatePem, context.RequestAborted);
    }

    private static async Task JoinAsync(HttpContext context)
    {
        if (!Service<JoinRate>(context).Allows(context.Connection.RemoteIpAddress))
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "too many joins from this address; again in a moment");
            return;
        }

        if (await ReadAsync(context, HostJson.Default.JoinRequest) is { } request)
        {
            await AnswerAsync(context, await Service<JoinDesk>(context).JoinAsync(request, context.RequestAborted));
        }
    }

    private static async Task RenewAsync(HttpContext context)
    {
        if (await IncarnationAsync(context) is { } incarnation && await ReadAsync(context, HostJson.Default.RenewRequest) is { } request)
        {
            await AnswerAsync(context, await Service<JoinDesk>(context).RenewAsync(incarnation, request, context.RequestAborted));
        }
    }

    private static async Task ReportAsync(HttpContext context)
    {
        if (await IncarnationAsync(context) is not { } incarnation)
        {
            return;
        }

        Limit(context, MaxReportBytes);
        HostReport report;
        IReadOnlyList<ReportPart.Unreadable> unreadable;
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            (report, unreadable) = ReportText.Read(body.GetBuffer().AsMemory(0, (int)body.Length));
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, e.Message);
            return;
        }
        catch (JsonException e)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, $"the body is not understood: {e.Message}");
            return;
        }

        switch (await Service<HostReports>(context).TakeAsync(incarnation, report, context.RequestAborted, unreadable))
        {
            case ReportOutcome.Accepted accepted:
                await context.Response.WriteAsJsonAsync(accepted.Answer, HostJson.Default.HostReportAnswer, cancellationToken: context.RequestAborted);
                break;
            case ReportOutcome.Refused refused:
                await RefuseAsync(context, refused.Status, refused.Text);
                break;
        }
    }

    private static async Task WatchAsync(HttpContext context)
    {
        if (await IncarnationAsync(context) is not { } incarnation)
        {
            return;
        }

        _ = long.TryParse(context.Request.Query["since"], CultureInfo.InvariantCulture, out var since);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            Service<IHostApplicationLifetime>(context).ApplicationStopping);
        try
        {
            await SseFormatter.WriteAsync(Service<HostWatch>(context).EventsAsync(incarnation, since, ends.Token), context.Response.Body, ends.Token);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The agent went away, or this node ends: the agent connects again and resumes by revision.
        }
    }

    private static async Task GuestAsync(HttpContext context)
    {
        if (await IncarnationAsync(context) is not { } incarnation)
        {
            return;
        }

        // It may have a password.
        context.Response.Headers.CacheControl = "no-store";
        if (Guid.TryParseExact(context.Request.Query["machine"], "D", out var id)
            && await Service<GuestDesk>(context).TellAsync(incarnation, new VmId(id), context.RequestAborted) is { } told)
        {
            await context.Response.WriteAsJsonAsync(told, HostJson.Default.GuestTold, cancellationToken: context.RequestAborted);
            return;
        }

        await RefuseAsync(context, StatusCodes.Status404NotFound, "this host is not to run that machine");
    }

    private static T Service<T>(HttpContext context)
        where T : notnull => context.RequestServices.GetRequiredService<T>();

    private static async Task<IncarnationId?> IncarnationAsync(HttpContext context)
    {
        var certificate = await context.Connection.GetClientCertificateAsync(context.RequestAborted);
        if (certificate is null || Service<Authority>(context).IncarnationOf(certificate) is not { } incarnation)
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "a client certificate of this installation's authority is needed");
            return null;
        }

        if (!await Service<HostWatch>(context).IsActiveAsync(incarnation, context.RequestAborted))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "this installation is not known, or was retired");
            return null;
        }

        return incarnation;
    }

    private static async Task<T?> ReadAsync<T>(HttpContext context, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            // From the stream: the framework's reader of pipes hides that a body was too large.
            if (await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) is { } value)
            {
                return value;
            }

            await RefuseAsync(context, StatusCodes.Status400BadRequest, "the body is empty");
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, e.Message);
        }
        catch (JsonException e)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, $"the body is not understood: {e.Message}");
        }

        return null;
    }

    private static Task AnswerAsync(HttpContext context, JoinOutcome outcome) => outcome switch
    {
        JoinOutcome.Joined joined => context.Response.WriteAsJsonAsync(joined.Answer, HostJson.Default.JoinAnswer, cancellationToken: context.RequestAborted),
        JoinOutcome.Refused refused => RefuseAsync(context, refused.Status, refused.Text),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };

    private static Task RefuseAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
