using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Agent.Ledger;

/// <summary>
/// Seals rows with AES-GCM: secrets are not in clear on the disk, and a row that opens is exactly the row that was written in that place, so that rows of a
/// damaged file can be trusted one by one. The key lies beside the ledger (mode 0600): it protects copies and backups of the file, not against root.
/// </summary>
internal sealed class RowSeal : IDisposable
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly AesGcm _cipher;

    private RowSeal(byte[] key) => _cipher = new AesGcm(key, TagBytes);

    /// <summary>Reads the key file, or makes it.</summary>
    /// <param name="path">The key file.</param>
    /// <returns>The seal.</returns>
    public static RowSeal Open(string path)
    {
        if (Existing(path) is { } existing)
        {
            return existing;
        }

        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        PrivateFile.Write(path, key);
        return new RowSeal(key);
    }

    /// <summary>Reads the key file.</summary>
    /// <param name="path">The key file.</param>
    /// <returns>The seal; null when there is no such file or it holds no key.</returns>
    public static RowSeal? Existing(string path) => File.Exists(path) && File.ReadAllBytes(path) is { Length: KeyBytes } key ? new RowSeal(key) : null;

    /// <summary>Seals a row.</summary>
    /// <param name="place">Table and key of the row; a row moved elsewhere does not open.</param>
    /// <param name="plain">The row.</param>
    public byte[] Seal(string place, ReadOnlySpan<byte> plain)
    {
        var sealedRow = new byte[NonceBytes + TagBytes + plain.Length];
        var nonce = sealedRow.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        _cipher.Encrypt(nonce, plain, sealedRow.AsSpan(NonceBytes + TagBytes), sealedRow.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(place));
        return sealedRow;
    }

    /// <summary>Opens a row.</summary>
    /// <returns>The row, or null when it is not what was sealed there.</returns>
    public byte[]? TryOpen(string place, ReadOnlySpan<byte> sealedRow)
    {
        if (sealedRow.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        var plain = new byte[sealedRow.Length - NonceBytes - TagBytes];
        try
        {
            _cipher.Decrypt(sealedRow[..NonceBytes], sealedRow[(NonceBytes + TagBytes)..], sealedRow.Slice(NonceBytes, TagBytes), plain, Encoding.UTF8.GetBytes(place));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();
}
