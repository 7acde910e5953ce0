using System.Buffers.Text;
using Holdfast.Server.Security;

namespace Holdfast.Worlds.Control;

/// <summary>Secrets that the seed makes: worthless, and the same in every replay.</summary>
internal sealed class SeededSecrets(Random random) : ISecretSource
{
    public string Next(int bytes)
    {
        var buffer = new byte[bytes];
        random.NextBytes(buffer);
        return Base64Url.EncodeToString(buffer);
    }
}
