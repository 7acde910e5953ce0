using System.Text.Json;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>
/// What this host's own configuration says to its drivers, which run as root: the only place that names programs and paths of the host, so that nobody who may add a storage
/// pool can. A file of JSON, read at each start of a driver: <c>{"linstor": {"nodeName": "kvm1.example.org"}, "linstor/POOL": {...}}</c>, for all pools of a driver and for the
/// pool of a name, which comes first.
/// </summary>
internal static class HostSettings
{
    /// <summary>The file, in the agent's data folder.</summary>
    public const string FileName = "drivers.json";

    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Reads what is said to the driver of a pool; nothing when there is no file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="driver">The driver's short name.</param>
    /// <param name="poolName">The pool's name.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="InvalidDataException">The file is not what it should be; the text says what is wrong.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path, string driver, string poolName)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path))
        {
            return settings;
        }

        if ((File.GetUnixFileMode(path) & OthersMayWrite) != 0)
        {
            throw new InvalidDataException($"this host's settings of drivers, {path}, can be written by others than their owner");
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            foreach (var name in new[] { driver, $"{driver}/{poolName}" })
            {
                if (!document.RootElement.TryGetProperty(name, out var section))
                {
                    continue;
                }

                foreach (var setting in section.EnumerateObject())
                {
                    settings[setting.Name] = setting.Value.GetString() ?? throw new InvalidDataException($"in this host's settings of drivers, {path}, '{name}' has a '{setting.Name}' without a text");
                }
            }

            return settings;
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"this host's settings of drivers, {path}, are not as they should be (an object with an object of texts for each driver): {wrong.Message}", wrong);
        }
    }
}
