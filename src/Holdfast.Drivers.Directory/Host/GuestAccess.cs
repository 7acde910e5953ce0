using System.Buffers.Binary;
using Holdfast.DriverKit;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Directory.Host;

/// <summary>
/// Gives the user that guests run as access to an image while it is attached, and takes it away afterwards. A folder above the pool that this user may not pass
/// through gets an entry in its access list for this one user, search only, and that is logged.
/// </summary>
internal sealed partial class GuestAccess
{
    private const UnixFileMode OwnerWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode GroupReads = UnixFileMode.UserRead | UnixFileMode.GroupRead;
    private const string AccessList = "system.posix_acl_access";
    private readonly GuestUser? _guest;
    private readonly string _pool;
    private readonly ILogger _log;

    internal GuestAccess(GuestUser? guest, string pool, ILogger log)
    {
        _guest = guest is { UserId: 0 } ? null : guest;
        _pool = pool;
        _log = log;
    }

    /// <summary>Lets guests read and write an image, or only read it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="write">Whether they write.</param>
    /// <returns>Null when they can.</returns>
    internal DriverError? Give(string image, bool write)
    {
        if (_guest is null)
        {
            return null;
        }

        var flags = write ? LibC.OpenReadWrite : LibC.OpenReadOnly;
        if (LibC.TryOpenAs(_guest.UserId, _guest.GroupId, image, flags) == 0)
        {
            return null;
        }

        if (LibC.ChangeOwner(image, write ? _guest.UserId : 0, _guest.GroupId) != 0)
        {
            return Refused(image, LibC.Message(System.Runtime.InteropServices.Marshal.GetLastPInvokeError()));
        }

        File.SetUnixFileMode(image, write ? OwnerWrites : GroupReads);
        if (LibC.TryOpenAs(_guest.UserId, _guest.GroupId, image, flags) is not (var error and not 0))
        {
            return null;
        }

        if (error == LibC.ErrorAccess && OpenFoldersAbove(image) is { } refused)
        {
            return refused;
        }

        return LibC.TryOpenAs(_guest.UserId, _guest.GroupId, image, flags) is var still and not 0 ? Refused(image, LibC.Message(still)) : null;
    }

    /// <summary>Takes an image back; root's alone from now on.</summary>
    /// <param name="image">The image.</param>
    internal void Take(string image)
    {
        if (_guest is null)
        {
            return;
        }

        if (LibC.ChangeOwner(image, 0, 0) != 0)
        {
            throw new IOException($"Cannot take '{image}' back: {LibC.Message(System.Runtime.InteropServices.Marshal.GetLastPInvokeError())}");
        }

        File.SetUnixFileMode(image, OwnerWrites);
    }

    private DriverError? OpenFoldersAbove(string image)
    {
        var parts = Path.GetDirectoryName(image)!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var folder = string.Empty;
        foreach (var part in parts)
        {
            folder += "/" + part;
            if (LibC.TryOpenAs(_guest!.UserId, _guest.GroupId, folder + "/.", LibC.OpenPathOnly) != LibC.ErrorAccess)
            {
                continue;
            }

            if (AllowSearch(folder, _guest.UserId) is var error and not 0)
            {
                return DriverFailure.Invalid(
                    $"Storage pool '{_pool}': guests run as user {_guest.UserId}, who may not pass through folder '{folder}', and that cannot be changed "
                    + $"({LibC.Message(error)}). Give that user search permission there, or choose another 'path'.");
            }

            LogSearchAllowed(_pool, _guest.UserId, folder);
        }

        return null;
    }

    /// <summary>Adds search permission for one user to a folder's access list.</summary>
    private static int AllowSearch(string folder, uint uid)
    {
        var list = new byte[4096];
        var length = LibC.GetAttribute(folder, AccessList, ref list[0], (nuint)list.Length);
        List<(ushort Tag, ushort Permission, uint Id)> entries = [];
        if (length < 0)
        {
            var error = System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
            if (error != LibC.ErrorNoData)
            {
                return error;
            }

            if (LibC.Stat(folder, out var statError) is not { } facts)
            {
                return statError;
            }

            entries.Add((Tags.Owner, (ushort)((facts.Mode >> 6) & 7), uint.MaxValue));
            entries.Add((Tags.Group, (ushort)((facts.Mode >> 3) & 7), uint.MaxValue));
            entries.Add((Tags.Mask, (ushort)((facts.Mode >> 3) & 7), uint.MaxValue));
            entries.Add((Tags.Other, (ushort)(facts.Mode & 7), uint.MaxValue));
        }
        else
        {
            for (var at = 4; at + 8 <= length; at += 8)
            {
                var entry = list.AsSpan(at, 8);
                entries.Add((
                    BinaryPrimitives.ReadUInt16LittleEndian(entry),
                    BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(entry[4..])));
            }
        }

        const ushort search = 1;
        var own = entries.FindIndex(entry => entry.Tag == Tags.User && entry.Id == uid);
        if (own < 0)
        {
            entries.Add((Tags.User, search, uid));
        }
        else
        {
            entries[own] = entries[own] with { Permission = (ushort)(entries[own].Permission | search) };
        }

        var mask = entries.FindIndex(static entry => entry.Tag == Tags.Mask);
        if (mask < 0)
        {
            var group = entries.Find(static entry => entry.Tag == Tags.Group);
            entries.Add((Tags.Mask, (ushort)(group.Permission | search), uint.MaxValue));
        }
        else
        {
            entries[mask] = entries[mask] with { Permission = (ushort)(entries[mask].Permission | search) };
        }

        entries.Sort(static (left, right) => left.Tag != right.Tag ? left.Tag.CompareTo(right.Tag) : left.Id.CompareTo(right.Id));
        var written = new byte[4 + (8 * entries.Count)];
        BinaryPrimitives.WriteUInt32LittleEndian(written, 2);
        for (var index = 0; index < entries.Count; index++)
        {
            var entry = written.AsSpan(4 + (8 * index), 8);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, entries[index].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], entries[index].Permission);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], entries[index].Id);
        }

        return LibC.SetAttribute(folder, AccessList, in written[0], (nuint)written.Length, 0) == 0
            ? 0
            : System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
    }

    private DriverError Refused(string image, string reason) => DriverFailure.Invalid(
        $"Storage pool '{_pool}': guests run as user {_guest!.UserId}, who cannot be given access to '{image}': {reason}.");

    [LoggerMessage(2000, LogLevel.Warning, "Storage pool '{PoolName}': user {UserId}, whom guests run as, was given permission to pass through folder '{Folder}'")]
    private partial void LogSearchAllowed(string poolName, uint userId, string folder);

    private static class Tags
    {
        internal const ushort Owner = 0x01;
        internal const ushort User = 0x02;
        internal const ushort Group = 0x04;
        internal const ushort Mask = 0x10;
        internal const ushort Other = 0x20;
    }
}
