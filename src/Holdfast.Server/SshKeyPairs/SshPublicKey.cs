using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.SshKeyPairs;

/// <summary>The public half of an SSH key pair. Immutable.</summary>
internal sealed class SshPublicKey
{
    /// <summary>The longest text that is looked at; a key of 16,384 bits has less than 3,000 characters.</summary>
    public const int MaxLength = 8192;

    // How many parts the key of a type has, its name among them; cut or lengthened, it is no key.
    private static readonly Dictionary<string, int> PartsOf = new(StringComparer.Ordinal)
    {
        ["ssh-rsa"] = 3,
        ["ssh-dss"] = 5,
        ["ssh-ed25519"] = 2,
        ["ecdsa-sha2-nistp256"] = 3,
        ["ecdsa-sha2-nistp384"] = 3,
        ["ecdsa-sha2-nistp521"] = 3,
        ["sk-ssh-ed25519@openssh.com"] = 3,
        ["sk-ecdsa-sha2-nistp256@openssh.com"] = 4,
    };

    private SshPublicKey(string type, byte[] blob)
    {
        Text = $"{type} {Convert.ToBase64String(blob)}";

        // Not for safety: clients show and compare it.
#pragma warning disable CA5351
        Fingerprint = string.Join(':', MD5.HashData(blob).Select(b => b.ToString("x2")));
#pragma warning restore CA5351
    }

    /// <summary>The types of key there are.</summary>
    public static IEnumerable<string> Types => PartsOf.Keys;

    /// <summary>Type and key, as a line of authorized_keys has them.</summary>
    public string Text { get; }

    /// <summary>MD5 of the key, in pairs of digits with colons.</summary>
    public string Fingerprint { get; }

    /// <summary>Reads a line of an authorized_keys or .pub file, also one in Base64 as a whole.</summary>
    /// <param name="material">What was sent.</param>
    /// <returns>The key without its comment; null: it is none.</returns>
    public static SshPublicKey? Read(string material)
    {
        var line = material.Trim();
        if (!line.Contains(' ', StringComparison.Ordinal))
        {
            if (!TryDecode(line, out var bytes))
            {
                return null;
            }

            line = Encoding.UTF8.GetString(bytes).Trim();
        }

        var words = line.Split(' ', '\t');
        return words.Length >= 2
            && !line.AsSpan().ContainsAny('\n', '\r')
            && PartsOf.TryGetValue(words[0], out var parts)
            && TryDecode(words[1], out var blob)
            && IsWhole(blob, words[0], parts)
            ? new SshPublicKey(words[0], blob)
            : null;
    }

    /// <summary>The key of an RSA pair.</summary>
    public static SshPublicKey Of(RSAParameters key)
    {
        using var blob = new MemoryStream();
        Write(blob, Encoding.ASCII.GetBytes("ssh-rsa"));
        Write(blob, Positive(key.Exponent!));
        Write(blob, Positive(key.Modulus!));
        return new SshPublicKey("ssh-rsa", blob.ToArray());
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var buffer = new byte[text.Length];
        var isBase64 = Convert.TryFromBase64String(text, buffer, out var length);
        bytes = buffer[..length];
        return isBase64;
    }

    private static bool IsWhole(ReadOnlySpan<byte> blob, string type, int parts)
    {
        for (var part = 0; part < parts; part++)
        {
            if (blob.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(blob) is var length && length > blob.Length - 4)
            {
                return false;
            }

            var value = blob.Slice(4, (int)length);
            if (value.IsEmpty || (part == 0 && !value.SequenceEqual(Encoding.ASCII.GetBytes(type))))
            {
                return false;
            }

            blob = blob[(4 + (int)length)..];
        }

        return blob.IsEmpty;
    }

    private static void Write(MemoryStream blob, ReadOnlySpan<byte> value)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
        blob.Write(length);
        blob.Write(value);
    }

    // A first bit that is set would be a sign.
    private static byte[] Positive(byte[] number) => (number[0] & 0x80) == 0 ? number : [0, .. number];
}
