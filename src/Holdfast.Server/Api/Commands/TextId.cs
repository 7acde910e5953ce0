using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Api.Commands;

/// <summary>Ids of what is only a text here and has an id for clients: made from the text, so that it is the same on every node and for ever.</summary>
internal static class TextId
{
    /// <summary>The id of a text.</summary>
    /// <param name="kind">What the text is.</param>
    /// <param name="text">The text.</param>
    public static Guid Of(string kind, string text)
    {
        // A UUID of version 8: its bits are the maker's to choose.
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"holdfast {kind} {text}")).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
