using Microsoft.Extensions.Logging;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>Finds the route of a request and turns what goes wrong into the controller's answers.</summary>
internal sealed partial class Dispatcher(IReadOnlyList<Route> routes, TimeProvider time, Func<Exception, string> report, ILogger logger)
{
    private readonly ILogger _logger = logger;

    /// <summary>The route and its parameters, or the answer for a path or method the server does not know.</summary>
    public (Route? Route, IReadOnlyDictionary<string, string> Parameters, ApiReply? Refusal) Find(string method, string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var pathKnown = false;
        foreach (var route in routes)
        {
            if (route.Match(parts) is { } parameters)
            {
                if (route.Method == method)
                {
                    return (route, parameters, null);
                }

                pathKnown = true;
            }
        }

        return (null, new Dictionary<string, string>(), pathKnown
            ? Refusal(405, $"Method {method} not allowed on '{path}'.")
            : Refusal(404, $"Path '{path}' not found on server."));
    }

    public async Task<ApiReply> HandleAsync(Route route, ApiRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await route.Handle(request, cancellationToken);
        }
        catch (ApiParseException problem)
        {
            return ApiReply.From(route.Deferred ? 500 : 400, [new ApiCallRc { RetCode = ReturnCodes.ParseError, Message = "Unable to parse input json.", Details = problem.Message, CreatedAt = time.GetUtcNow() }]);
        }
        catch (OperationCanceledException)
        {
            throw;
        }
        catch (Devices.SatelliteLostException problem)
        {
            // The controller's own catch of last resort: an error report, and an entry that says nothing but its number.
            return ApiReply.From(500, [new ApiCallRc
            {
                RetCode = ReturnCodes.Error | ReturnCodes.UnknownError, Message = "", ErrorReportIds = [report(problem)], CreatedAt = time.GetUtcNow(),
            }]);
        }
        catch (Exception problem)
        {
            LogHandlerFailed(problem, route.Method, route.Template);
            return Refusal(500, $"An unknown error occurred: {problem.GetType().Name}: {problem.Message}");
        }
    }

    private ApiReply Refusal(int status, string message) =>
        ApiReply.From(status, [new ApiCallRc { RetCode = ReturnCodes.Error | ReturnCodes.UnknownError, Message = message, CreatedAt = time.GetUtcNow() }]);

    [LoggerMessage(EventId = 7201, Level = LogLevel.Error, Message = "The handler of {Method} {Template} failed")]
    private partial void LogHandlerFailed(Exception problem, string method, string template);
}
