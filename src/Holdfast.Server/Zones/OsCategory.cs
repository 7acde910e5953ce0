using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Zones;

/// <summary>A category of guest operating systems. Categories are names of <see cref="Store.Rows.OsTypeRow"/>; the id is made from the name, so that it is the same on every node and for ever.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
internal sealed record OsCategory(Guid Id, string Name)
{
    /// <summary>The category of a name.</summary>
    public static OsCategory Of(string name)
    {
        // A UUID of version 8: its bits are the maker's to choose.
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes("holdfast os category " + name)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new OsCategory(new Guid(bytes, bigEndian: true), name);
    }
}
