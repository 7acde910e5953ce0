using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Core.Guests;

/// <summary>
/// Two documents of user data as one: a MIME message of parts, as cloud-init and cloudbase-init read it. Each document stays what it is; a script is a script, compressed ones are
/// unpacked, and one that has parts already is a part with parts. Pure.
/// </summary>
public static class CombinedUserData
{
    // More than could be told in any form; what says that it unpacks to more is not unpacked.
    private const int MaxUnpacked = 8 << 20;

    // Where cloud-init looks for the sign of a message.
    private const int HeaderLength = 4096;
    private const int LineLength = 76;

    // Lists go on, maps are merged, and what both name is the first one's: without, the second one's runcmd would be told in the first one's place.
    private const string Merge = "list(append)+dict(no_replace,recurse_list)+str()";

    // By what cloud-init tells kinds apart, longest first where one begins another. cloudbase-init reads the types alone.
    private static readonly (string Start, string Type)[] Types =
    [
        ("## template: jinja", "text/jinja2"),
        ("#cloud-config-archive", "text/cloud-config-archive"),
        ("#cloud-config-jsonp", "text/cloud-config-jsonp"),
        ("#cloud-config", "text/cloud-config"),
        ("#cloud-boothook", "text/cloud-boothook"),
        ("#include-once", "text/x-include-once-url"),
        ("#include", "text/x-include-url"),
        ("#part-handler", "text/part-handler"),
        ("#!", "text/x-shellscript"),
    ];

    /// <summary>Combines two documents.</summary>
    /// <param name="first">The one that is read first, in Base64.</param>
    /// <param name="second">The other, in Base64.</param>
    /// <param name="maxLength">How long the Base64 of both may be.</param>
    /// <returns>Base64; compressed where it would be too long otherwise; null: it is too long all the same.</returns>
    public static string? Of(string first, string second, int maxLength)
    {
        byte[][] documents = [Unpacked(Convert.FromBase64String(first)), Unpacked(Convert.FromBase64String(second))];
        var boundary = $"===============holdfast-{Convert.ToHexStringLower(SHA256.HashData([.. documents[0], 0, .. documents[1]])).AsSpan(0, 32)}==";
        using var message = new MemoryStream();
        Write(message, $"Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n");
        foreach (var document in documents)
        {
            Write(message, $"--{boundary}\n");
            Write(message, document);
        }

        Write(message, $"--{boundary}--\n");
        var plain = message.ToArray();
        if (LengthOf(plain.Length) <= maxLength)
        {
            return Convert.ToBase64String(plain);
        }

        var packed = Packed(plain);
        return LengthOf(packed.Length) <= maxLength ? Convert.ToBase64String(packed) : null;
    }

    private static void Write(MemoryStream message, byte[] document)
    {
        if (IsMessage(document))
        {
            // Its headers are the part's. Its lines stay as they are, but for an end of the last one.
            message.Write(document);
            message.Write("\n"u8);
            return;
        }

        var start = Encoding.ASCII.GetString(document, 0, Math.Min(document.Length, HeaderLength)).TrimStart();
        var type = Types.FirstOrDefault(t => start.StartsWith(t.Start, StringComparison.OrdinalIgnoreCase)).Type;
        if (type is null)
        {
            // What was not unpacked here, the guest unpacks.
            type = IsPacked(document) ? "application/gzip" : Encoding.UTF8.GetString(document).Contains('\ufffd', StringComparison.Ordinal) || document.Contains((byte)0) ? "application/octet-stream" : "text/plain";
        }

        Write(message, $"Content-Type: {type}{(type.StartsWith("text/", StringComparison.Ordinal) ? "; charset=\"utf-8\"" : string.Empty)}\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n");
        if (type is "text/cloud-config" or "text/jinja2")
        {
            Write(message, $"Merge-Type: {Merge}\n");
        }

        Write(message, "\n");
        foreach (var line in Convert.ToBase64String(document).Chunk(LineLength))
        {
            Write(message, $"{new string(line)}\n");
        }
    }

    private static void Write(MemoryStream message, string text) => message.Write(Encoding.UTF8.GetBytes(text));

    // A header first, and the sign that makes cloud-init read a message.
    private static bool IsMessage(byte[] document)
    {
        var start = Encoding.ASCII.GetString(document, 0, Math.Min(document.Length, HeaderLength));
        var name = start.AsSpan(0, Math.Max(0, start.IndexOf(':', StringComparison.Ordinal)));
        return name.Length > 0 && !name.ContainsAnyExceptInRange('!', '~') && name[0] != '#' && start.Contains("mime-version:", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsPacked(byte[] document) => document is [0x1f, 0x8b, ..];

    private static byte[] Unpacked(byte[] document)
    {
        if (!IsPacked(document))
        {
            return document;
        }

        try
        {
            using var gzip = new GZipStream(new MemoryStream(document), CompressionMode.Decompress);
            using var all = new MemoryStream();
            var some = new byte[1 << 16];
            for (var read = gzip.Read(some); read > 0; read = gzip.Read(some))
            {
                all.Write(some, 0, read);
                if (all.Length > MaxUnpacked)
                {
                    return document;
                }
            }

            return all.ToArray();
        }
        catch (InvalidDataException)
        {
            // It only begins like one.
            return document;
        }
    }

    private static byte[] Packed(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        return packed.ToArray();
    }

    private static long LengthOf(long bytes) => (bytes + 2) / 3 * 4;
}
