namespace Holdfast.Server.Security;

/// <summary>Makes secrets. Production uses the system's cryptographic source; a simulation its seed.</summary>
internal interface ISecretSource
{
    /// <summary>Makes a secret text.</summary>
    /// <param name="bytes">Bytes of randomness in it.</param>
    /// <returns>base64url without padding.</returns>
    string Next(int bytes);
}
