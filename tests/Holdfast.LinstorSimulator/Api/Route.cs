namespace Holdfast.LinstorSimulation.Api;

internal delegate Task<ApiReply> RouteHandler(ApiRequest request, CancellationToken cancellationToken);

/// <summary>One method on one path template. <paramref name="Deferred"/>: as in LINSTOR's asynchronous handlers a body that cannot be parsed gives 500 instead of 400.</summary>
internal sealed record Route(string Method, string Template, RouteHandler Handle, bool Deferred = false)
{
    private readonly string[] _parts = Template.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The parameters when the path is this template's.</summary>
    public Dictionary<string, string>? Match(string[] path)
    {
        if (path.Length != _parts.Length)
        {
            return null;
        }

        Dictionary<string, string>? found = [];
        for (var i = 0; i < path.Length; i++)
        {
            if (_parts[i][0] == '{')
            {
                found[_parts[i][1..^1]] = Uri.UnescapeDataString(path[i]);
            }
            else if (!string.Equals(_parts[i], path[i], StringComparison.Ordinal))
            {
                return null;
            }
        }

        return found;
    }
}
