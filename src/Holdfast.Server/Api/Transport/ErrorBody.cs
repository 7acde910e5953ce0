using System.Text.Json;

namespace Holdfast.Server.Api.Transport;

/// <summary>Writes an error, in an envelope and as the result of a failed job.</summary>
internal static class ErrorBody
{
    /// <summary>Writes the fields of an error into an object that is open.</summary>
    public static void WriteFields(Utf8JsonWriter writer, ApiError error)
    {
        writer.WriteStartArray("uuidList");
        foreach (var reference in error.References)
        {
            writer.WriteStartObject();
            writer.WriteString("uuid", reference.Uuid);
            writer.WriteString("description", reference.Description);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("errorcode", error.Status);
        if (error.CloudStackCode is { } code)
        {
            writer.WriteNumber("cserrorcode", code);
        }

        writer.WriteString("errortext", error.Text);
    }
}
