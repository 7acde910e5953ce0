using System.Security.Cryptography;
using System.Text;
using Holdfast.Protocol;

namespace Holdfast.Server.Security;

/// <summary>
/// Seals secrets at rest with AES-256-GCM under the key file of the data folder. Every server node of an installation needs the same key file. What a sealed
/// text is for is bound into it, so that one secret cannot be put in another's place. Safe for any thread.
/// </summary>
internal sealed class SecretBox
{
    private const string Prefix = "v1.";
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private readonly Lazy<byte[]> _key;

    private SecretBox(string path) => _key = new Lazy<byte[]>(() => KeyOf(path));

    /// <summary>A box with the key of a file, which is opened, or made (mode 0600), when it is first needed: nothing is made before the server may start.</summary>
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
        using var aes = new AesGcm(_key.Value, TagLength);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceLength + TagLength), sealedBytes.AsSpan(NonceLength, TagLength), Encoding.UTF8.GetBytes(purpose));
        return Prefix + Convert.ToBase64String(sealedBytes);
    }

    /// <summary>Opens.</summary>
    /// <param name="purpose">What it was sealed for.</param>
    /// <param name="text">The stored text.</param>
    /// <returns>The secret.</returns>
    /// <exception cref="CryptographicException">The key file is another one, or the text was tampered with.</exception>
    public Secret Unseal(string purpose, string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw new CryptographicException("Not a sealed secret.");
        }

        var sealedBytes = Convert.FromBase64String(text[Prefix.Length..]);
        var plain = new byte[sealedBytes.Length - NonceLength - TagLength];
        using var aes = new AesGcm(_key.Value, TagLength);
        aes.Decrypt(
            sealedBytes.AsSpan(0, NonceLength),
            sealedBytes.AsSpan(NonceLength + TagLength),
            sealedBytes.AsSpan(NonceLength, TagLength),
            plain,
            Encoding.UTF8.GetBytes(purpose));
        return new Secret(Encoding.UTF8.GetString(plain));
    }

    private static byte[] KeyOf(string path)
    {
        if (!File.Exists(path))
        {
            PrivateFile.Write(path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n");
        }

        var key = Convert.FromBase64String(File.ReadAllText(path).Trim());
        return key.Length == 32 ? key : throw new InvalidDataException($"The key file {path} must hold 32 bytes in base64.");
    }
}
