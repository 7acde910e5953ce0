using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Api.Transport;

/// <summary>
/// The one endpoint of the CloudStack API: reads the request, finds the caller, the command and its values, runs the handler, writes the envelope. The only
/// place where an exception of a command is caught.
/// </summary>
internal sealed partial class ApiEndpoint
{
    /// <summary>Where the API is.</summary>
    public const string Path = "/client/api";

    private const string CookiePath = "/client";
    private const string UnknownEnvelope = "errorresponse";

    // The body is JSON and says so, nothing is ever embedded in HTML: clients compare dates with a bare plus sign.
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly RequestAuthenticator _authenticator;
    private readonly ApiServices _services;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiEndpoint> _logger;

    /// <summary>Makes the endpoint.</summary>
    public ApiEndpoint(RequestAuthenticator authenticator, ApiServices services, TimeProvider time, ILogger<ApiEndpoint> logger)
    {
        _authenticator = authenticator;
        _services = services;
        _time = time;
        _logger = logger;
    }

    /// <summary>Answers a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var started = _time.GetTimestamp();
        var answer = await AnswerAsync(context);
        await WriteAsync(context, answer);
        if (answer.Result is ApiResult.Failure { Error.Status: >= 500 and not 531 } failure)
        {
            LogFailed(answer.CommandName, failure.Error.Status, failure.Error.Text, answer.Caller?.UserName, answer.Caller?.UserId.Value, _time.GetElapsedTime(started).TotalMilliseconds);
        }
        else
        {
            LogAnswered(answer.CommandName, context.Response.StatusCode, answer.Caller?.UserName, answer.Caller?.UserId.Value, _time.GetElapsedTime(started).TotalMilliseconds);
        }
    }

    private static async Task WriteAsync(HttpContext context, Answer answer)
    {
        var response = context.Response;
        var buffer = new ArrayBufferWriter<byte>(1024);
        await using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(answer.Envelope);
            switch (answer.Result)
            {
                case ApiResult.Failure { Error: var error }:
                    response.StatusCode = error.Status;
                    response.Headers["X-Description"] = HeaderText(error.Text);
                    ErrorBody.WriteFields(writer, error);
                    break;
                case ApiResult.Body body:
                    body.WriteFields(writer, answer.Viewer);
                    break;
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        foreach (var cookie in answer.Result.Cookies)
        {
            var options = new CookieOptions { Path = CookiePath, HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps };
            if (cookie.Value is { } value)
            {
                response.Cookies.Append(cookie.Name, value, options);
            }
            else
            {
                response.Cookies.Delete(cookie.Name, options);
            }
        }

        response.ContentType = "application/json; charset=UTF-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = buffer.WrittenCount;
        try
        {
            await response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; what the command did stands.
        }
    }

    private static string HeaderText(string text) =>
        string.Create(Math.Min(text.Length, 1024), text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = source[i] is >= ' ' and <= '~' ? source[i] : '?';
            }
        });

    private static ApiError ForViewer(ApiError error, Roles viewer) =>
        error.Status is 530 or 533 or 534 && viewer != Roles.RootAdmin ? ApiError.Internal(null) with { Status = error.Status, CloudStackCode = error.CloudStackCode } : error;

    private async Task<Answer> AnswerAsync(HttpContext context)
    {
        ApiCommand? command = null;
        ApiCaller? caller = null;
        try
        {
            var read = await RequestReader.ReadAsync(context.Request, context.RequestAborted);
            if (!read.IsRead(out var parameters, out var unreadable))
            {
                return new Answer(UnknownEnvelope, unreadable, null, null);
            }

            var name = parameters["command"];
            if (string.IsNullOrEmpty(name))
            {
                return new Answer(UnknownEnvelope, new ApiError(432, ApiErrorCodes.Generic, "Invalid request, no command sent"), null, null);
            }

            command = _services.Commands.Find(name);
            if (command is { IsPostOnly: true } && !HttpMethods.IsPost(context.Request.Method))
            {
                return new Answer(Envelope(command), new ApiError(405, null, $"The command {command.Name} needs the HTTP method POST"), command, null);
            }

            var authenticated = await _authenticator.AuthenticateAsync(parameters, context.Request.Cookies, context.RequestAborted);
            caller = authenticated.Caller;
            var role = caller?.Role ?? Roles.Anonymous;
            if (command is null || !RoleRules.Permit(command, role, caller?.Rules))
            {
                // A command that is not for the caller is, for the caller, no command. With a signature that fails the check of the signature, as upstream.
                return new Answer(
                    Envelope(command),
                    authenticated.Kind == CredentialKind.Session && caller is not null ? ApiError.UnknownCommand(Printable(name)) : ApiError.Unauthorised(),
                    command,
                    caller);
            }

            if (authenticated.WaitsForFactor && !SecondFactors.Permit(command, caller!.HasFactor))
            {
                return new Answer(Envelope(command), SecondFactors.Missing(), command, caller);
            }

            // Credentials that do not hold are refused even where none were needed, except to log in or out with an old cookie.
            if (caller is null && authenticated.Kind == CredentialKind.Signature)
            {
                return new Answer(Envelope(command), ApiError.Unauthorised(), command, null);
            }

            var origin = new RequestOrigin(
                context.Connection.RemoteIpAddress,
                authenticated.Kind == CredentialKind.Session ? context.Request.Cookies[RequestAuthenticator.SessionCookie] : null);
            var bound = await CommandBinder.BindAsync(command, parameters, caller, origin, _services, context.RequestAborted);
            var result = bound switch
            {
                { Error: { } error } => error,
                { FindsNothing: true } => ApiResult.EmptyList(),
                _ => await command.Handler(bound.Call!, context.RequestAborted),
            };
            return new Answer(
                Envelope(command),
                result is ApiResult.Failure failure ? ForViewer(failure.Error, role) : result,
                command,
                caller);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return new Answer(Envelope(command), ApiError.Internal("The client ended the request"), command, caller);
        }
        catch (Exception e)
        {
            LogBroken(e, command?.Name ?? "unknown", caller?.UserName, caller?.UserId.Value);
            return new Answer(Envelope(command), ApiError.Internal(caller is { IsRootAdmin: true } ? e.Message : null), command, caller);
        }
    }

    private static string Envelope(ApiCommand? command) => command is null ? UnknownEnvelope : command.Name.ToLowerInvariant() + "response";

    private static string Printable(string name) => name.Length <= 64 ? name : name[..64];

    /// <summary>What is answered, and what is logged about it.</summary>
    private sealed record Answer(string Envelope, ApiResult Result, ApiCommand? Command, ApiCaller? Caller)
    {
        /// <summary>The command's name, for the log: never the name as sent.</summary>
        public string CommandName => Command?.Name ?? "unknown";

        /// <summary>What the caller may see.</summary>
        public Roles Viewer => Caller?.Role ?? Roles.Anonymous;
    }
}
