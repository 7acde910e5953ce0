using System.Text.Json;

namespace Holdfast.Cli.CloudStack;

/// <summary>Calls whose failure ends the caller's work.</summary>
internal static class ApiClientExtensions
{
    /// <summary>Sends a command and gives the direct answer.</summary>
    /// <param name="client">The client.</param>
    /// <param name="command">The command.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>What the envelope holds.</returns>
    /// <exception cref="ApiFaultException">It did not succeed.</exception>
    public static async Task<JsonElement> AskAsync(
        this ApiClient client, string command, CancellationToken cancellationToken, params (string Name, string Value)[] parameters) =>
        await client.SendAsync(command, Map(parameters), cancellationToken) is var reply && reply is ApiReply.Answered answered
            ? answered.Body
            : throw new ApiFaultException(command, reply);

    /// <summary>Sends a command, waits for its job if it starts one, and gives the result.</summary>
    /// <param name="client">The client.</param>
    /// <param name="command">The command.</param>
    /// <param name="deadline">How long the job may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>What the envelope, or the job's result, holds.</returns>
    /// <exception cref="ApiFaultException">It did not succeed.</exception>
    public static async Task<JsonElement> DoAsync(
        this ApiClient client, string command, TimeSpan deadline, CancellationToken cancellationToken, params (string Name, string Value)[] parameters) =>
        await client.RunAsync(command, Map(parameters), deadline, cancellationToken) is var reply && reply is ApiReply.Answered answered
            ? answered.Body
            : throw new ApiFaultException(command, reply);

    /// <summary>Lists objects.</summary>
    /// <param name="client">The client.</param>
    /// <param name="command">The list command.</param>
    /// <param name="key">The name of the objects in its answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>The objects.</returns>
    /// <exception cref="ApiFaultException">It did not succeed.</exception>
    public static async Task<IReadOnlyList<JsonElement>> ListAsync(
        this ApiClient client, string command, string key, CancellationToken cancellationToken, params (string Name, string Value)[] parameters)
    {
        var body = await client.AskAsync(command, cancellationToken, parameters);
        return body.TryGetProperty(key, out var objects) ? [.. objects.EnumerateArray()] : [];
    }

    /// <summary>The text of a property.</summary>
    /// <param name="element">The object.</param>
    /// <param name="property">The property's name.</param>
    /// <returns>Its text; empty when it is not there.</returns>
    public static string Text(this JsonElement element, string property) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out var value) ? value.ToString() : "";

    private static Dictionary<string, string> Map((string Name, string Value)[] parameters) =>
        parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value, StringComparer.Ordinal);
}
