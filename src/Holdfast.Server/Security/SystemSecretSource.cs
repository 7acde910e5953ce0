using System.Buffers.Text;
using System.Security.Cryptography;

namespace Holdfast.Server.Security;

/// <summary>Secrets from the system's cryptographic source.</summary>
internal sealed class SystemSecretSource : ISecretSource
{
    /// <inheritdoc/>
    public string Next(int bytes) => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(bytes));
}
