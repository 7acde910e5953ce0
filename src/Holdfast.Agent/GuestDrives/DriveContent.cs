using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.GuestDrives;

/// <summary>
/// What is on a configuration drive: OpenStack's layout, which cloud-init and cloudbase-init read from a drive with the label <see cref="Label"/>, and CloudStack's own, which its
/// scripts in guests read. Pure: equal input gives equal files.
/// </summary>
internal static class DriveContent
{
    /// <summary>
    /// The label by which guests find the drive. A file system has one: NoCloud's would be <c>cidata</c>, but that layout knows no passwords and no tool of CloudStack's, and every
    /// cloud-init that finds NoCloud finds this too.
    /// </summary>
    public const string Label = "config-2";

    private const string OpenStack = "openstack/latest/";
    private const string Metadata = "cloudstack/metadata/";
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The files.</summary>
    /// <param name="told">What the guest is told.</param>
    /// <param name="macs">The MAC addresses of the interfaces that the guest will find, the default one first: one that it would not find stops cloud-init's network set-up.</param>
    public static IReadOnlyList<DriveFile> Of(GuestTold told, IReadOnlyList<string> macs)
    {
        var userData = told.UserData is { } text ? Convert.FromBase64String(text) : null;
        var keys = string.Join('\n', told.PublicKeys.OrderBy(key => key.Key, StringComparer.Ordinal).Select(key => key.Value));
        List<DriveFile> files =
        [
            new(OpenStack + "meta_data.json", Json(writer => WriteMetadata(writer, told))),
            new(OpenStack + "network_data.json", Json(writer => WriteNetworks(writer, macs))),
            new(OpenStack + "vendor_data.json", Json(writer => WriteVendorData(writer, told))),
            new(Metadata + "availability-zone.txt", Utf8(told.ZoneName)),
            new(Metadata + "cloud-identifier.txt", Utf8($"CloudStack-{{{told.ZoneId}}}")),
            new(Metadata + "instance-id.txt", Utf8(told.InstanceName)),
            new(Metadata + "local-hostname.txt", Utf8(told.HostName)),
            new(Metadata + "public-hostname.txt", Utf8(told.HostName)),
            new(Metadata + "public-keys.txt", Utf8(keys)),
            new(Metadata + "service-offering.txt", Utf8(told.OfferingName)),
            new(Metadata + "vm-id.txt", Utf8(told.VmId.ToString())),
            .. told.Variables.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => new DriveFile($"{Metadata}{v.Key}.txt", Utf8(v.Value))),
        ];
        if (userData is not null)
        {
            files.Add(new(OpenStack + "user_data", userData));
            files.Add(new("cloudstack/userdata/user_data.txt", userData));
        }

        if (told.Password is { } password)
        {
            files.Add(new("cloudstack/password/vm_password.txt", Utf8(password.Reveal())));
        }

        return files;
    }

    private static void WriteMetadata(Utf8JsonWriter writer, GuestTold told)
    {
        writer.WriteStartObject();

        // cloud-init does what it does once for each of these. Were it the machine's own UUID, it would read the drive once in a guest's life and never learn of anything new.
        writer.WriteString("uuid", string.Create(CultureInfo.InvariantCulture, $"{told.VmId}-{told.Told}"));
        writer.WriteString("hostname", told.HostName);
        writer.WriteString("name", told.HostName);
        writer.WriteString("availability_zone", told.ZoneName);
        if (told.PublicKeys.Count > 0)
        {
            var keys = told.PublicKeys.OrderBy(key => key.Key, StringComparer.Ordinal).ToList();
            writer.WriteStartObject("public_keys");
            foreach (var (name, key) in keys)
            {
                writer.WriteString(name, key);
            }

            writer.WriteEndObject();
            writer.WriteStartArray("keys");
            foreach (var (name, key) in keys)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteString("type", "ssh");
                writer.WriteString("data", key);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (told.Password is { } password)
        {
            // cloudbase-init's.
            writer.WriteString("admin_pass", password.Reveal());
        }

        foreach (var (name, value) in told.Variables.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
    }

    // As cloud-init does without being told: the default interface asks for an address, and nobody waits for the others, which may be on networks that give none.
    private static void WriteNetworks(Utf8JsonWriter writer, IReadOnlyList<string> macs)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("links");
        for (var i = 0; i < macs.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("id", Link(i));
            writer.WriteString("type", "phy");
            writer.WriteString("ethernet_mac_address", macs[i]);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("networks");
        if (macs.Count > 0)
        {
            writer.WriteStartObject();
            writer.WriteString("id", "network0");
            writer.WriteString("type", "ipv4_dhcp");
            writer.WriteString("link", Link(0));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("services");
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Link(int number) => string.Create(CultureInfo.InvariantCulture, $"eth{number}");

    // What a caller's user data says goes before it.
    private static void WriteVendorData(Utf8JsonWriter writer, GuestTold told)
    {
        writer.WriteStartObject();
        if (told.Password is { } password)
        {
            // JSON is YAML, and nothing in a password can leave its quotes.
            var config = Json(inner =>
            {
                inner.WriteStartObject();
                inner.WriteString("password", password.Reveal());
                inner.WriteStartObject("chpasswd");
                inner.WriteBoolean("expire", false);
                inner.WriteEndObject();
                inner.WriteBoolean("ssh_pwauth", true);
                inner.WriteEndObject();
            });
            writer.WriteString("cloud-init", "#cloud-config\n" + Encoding.UTF8.GetString(config));
        }

        writer.WriteEndObject();
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
