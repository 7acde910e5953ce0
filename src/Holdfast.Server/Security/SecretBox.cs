using System.Security.Cryptography;
using System.Text;
using Holdfast.Protocol;

namespace Holdfast.Server.Security;

/// <summary>
/// Seals secrets at rest with AES-256-GCM under the key file of the data folder. Every server node of an installation needs the same key file. The file has a key a
/// line: the first seals, any opens, so that a key can be changed (docs/security.md). What a sealed text is for is bound into it, so that one secret cannot be put in
/// another's place. Safe for any thread.
/// </summary>
internal sealed class SecretBox
{
    // Not Data Protection: its ring makes keys unasked and by the machine's clock, which a node with a copy of the file would not have, and leaves what is at rest under the old ones.
    private const string Prefix = "v1.";
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int KeyLength = 32;

    private readonly Lazy<IReadOnlyList<byte[]>> _keys;

    private SecretBox(string path) => (Path, _keys) = (path, new Lazy<IReadOnlyList<byte[]>>(() => KeysOf(path)));

    /// <summary>The key file.</summary>
    public string Path { get; }

    /// <summary>Whether the file has keys that only open.</summary>
    public bool HasFormerKeys => _keys.Value.Count > 1;

    /// <summary>A box with the keys of a file, which is opened, or made (mode 0600), when it is first needed: nothing is made before the server may start.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The box.</returns>
    public static SecretBox Open(string path) => new(path);

    /// <summary>Seals.</summary>
    /// <param name="purpose">What for, such as <c>user-secret-key:ID</c>; needed again to open.</param>
    /// <param name="secret">The secret.</param>
    /// <returns>Text to store.</returns>
    public string Seal(string purpose, Secret secret)
    {
        var plain = Encoding.UTF8.GetBytes(secret.Reveal());
        var sealedBytes = new byte[NonceLength + TagLength + plain.Length];
        var nonce = sealedBytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_keys.Value[0], TagLength);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceLength + TagLength), sealedBytes.AsSpan(NonceLength, TagLength), Encoding.UTF8.GetBytes(purpose));
        return Prefix + Convert.ToBase64String(sealedBytes);
    }

    /// <summary>Opens.</summary>
    /// <param name="purpose">What it was sealed for.</param>
    /// <param name="text">The stored text.</param>
    /// <returns>The secret.</returns>
    /// <exception cref="CryptographicException">The key file has not the key, or the text was tampered with.</exception>
    public Secret Unseal(string purpose, string text) => Read(purpose, text).Secret;

    /// <summary>Seals with the first key what another one sealed.</summary>
    /// <param name="purpose">What it was sealed for.</param>
    /// <param name="text">The stored text.</param>
    /// <returns>Text to store in its place; null when the first key sealed it.</returns>
    /// <exception cref="CryptographicException">The key file has not the key, or the text was tampered with.</exception>
    public string? SealAnew(string purpose, string text)
    {
        var (secret, key) = Read(purpose, text);
        return key == 0 ? null : Seal(purpose, secret);
    }

    private (Secret Secret, int Key) Read(string purpose, string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw new CryptographicException("Not a sealed secret.");
        }

        var sealedBytes = Convert.FromBase64String(text[Prefix.Length..]);
        var plain = new byte[sealedBytes.Length - NonceLength - TagLength];
        for (var key = 0; ; key++)
        {
            using var aes = new AesGcm(_keys.Value[key], TagLength);
            try
            {
                aes.Decrypt(
                    sealedBytes.AsSpan(0, NonceLength),
                    sealedBytes.AsSpan(NonceLength + TagLength),
                    sealedBytes.AsSpan(NonceLength, TagLength),
                    plain,
                    Encoding.UTF8.GetBytes(purpose));
                return (new Secret(Encoding.UTF8.GetString(plain)), key);
            }
            catch (AuthenticationTagMismatchException) when (key + 1 < _keys.Value.Count)
            {
                // Sealed with a later one.
            }
        }
    }

    private static IReadOnlyList<byte[]> KeysOf(string path)
    {
        if (!File.Exists(path))
        {
            PrivateFile.Write(path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyLength)) + "\n");
        }

        if (PrivateFile.IsOpenToOthers(path))
        {
            throw new InvalidDataException($"The key file {path} can be read or written by others than its owner; whoever has read it can open every secret of the installation. If nobody has, give it mode 0600; else change the key as well (docs/security.md).");
        }

        var keys = File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0).Select(KeyOf).ToList();
        return keys.Count > 0 && keys.All(key => key.Length == KeyLength)
            ? keys
            : throw new InvalidDataException($"Each line of the key file {path} must hold {KeyLength} bytes in base64; its first line is the key that seals.");
    }

    private static byte[] KeyOf(string line)
    {
        var key = new byte[KeyLength];
        return Convert.TryFromBase64String(line, key, out var length) && length == KeyLength ? key : [];
    }
}
