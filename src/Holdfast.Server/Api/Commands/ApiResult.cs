using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>What a command answered. A closed hierarchy; everything but a failure is HTTP 200.</summary>
internal abstract record ApiResult
{
    private ApiResult()
    {
    }

    /// <summary>Cookies to set with the answer.</summary>
    public IReadOnlyList<ApiCookie> Cookies { get; init; } = [];

    /// <summary>Fails.</summary>
    public static implicit operator ApiResult(ApiError error) => new Failure(error);

    /// <summary>A list.</summary>
    public static ApiResult List<T>(string key, View<T> view, IReadOnlyList<T> rows, int total) =>
        new Body((writer, viewer) =>
        {
            // An empty list is an empty object: clients take any other property for the list.
            if (total == 0)
            {
                return;
            }

            writer.WriteNumber("count", total);
            if (rows.Count == 0)
            {
                return;
            }

            writer.WriteStartArray(key);
            foreach (var row in rows)
            {
                view.Write(writer, row, viewer);
            }

            writer.WriteEndArray();
        });

    /// <summary>An empty list.</summary>
    public static ApiResult EmptyList() => new Body((_, _) => { });

    /// <summary>One object under its key.</summary>
    public static ApiResult Object<T>(string key, View<T> view, T row) =>
        new Body((writer, viewer) =>
        {
            writer.WritePropertyName(key);
            view.Write(writer, row, viewer);
        });

    /// <summary>Fields in the envelope itself.</summary>
    public static ApiResult Bare<T>(View<T> view, T row) => new Body((writer, viewer) => view.WriteFields(writer, row, viewer));

    /// <summary>A success flag.</summary>
    public static ApiResult Success(string? displayText = null) =>
        new Body((writer, _) =>
        {
            writer.WriteBoolean("success", true);
            if (displayText is not null)
            {
                writer.WriteString("displaytext", displayText);
            }
        });

    /// <summary>A job, and the entity it makes when it makes one.</summary>
    public static ApiResult Job(JobId job, Guid? created = null) =>
        new Body((writer, _) =>
        {
            if (created is { } id)
            {
                writer.WriteString("id", id);
            }

            writer.WriteString("jobid", job.Value);
        });

    /// <summary>An answer.</summary>
    /// <param name="WriteFields">Writes into the envelope, for a viewer.</param>
    internal sealed record Body(Action<Utf8JsonWriter, Roles> WriteFields) : ApiResult;

    /// <summary>A failure.</summary>
    /// <param name="Error">Why.</param>
    internal sealed record Failure(ApiError Error) : ApiResult;
}

/// <summary>A cookie to set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value; null removes it.</param>
internal sealed record ApiCookie(string Name, string? Value);
