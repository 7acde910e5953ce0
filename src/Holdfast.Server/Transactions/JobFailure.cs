using System.Text;
using System.Text.Json;

namespace Holdfast.Server.Transactions;

/// <summary>The <c>jobresult</c> of a failed job.</summary>
internal static class JobFailure
{
    /// <summary>Renders; without <c>cserrorcode</c>, as CloudStack does.</summary>
    public static string Render(ApiFault fault)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("uuidList");
            json.WriteEndArray();
            json.WriteNumber("errorcode", fault.ErrorCode);
            json.WriteString("errortext", fault.Text);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
