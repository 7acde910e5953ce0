using System.Globalization;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>A controller's REST version. LINSTOR refuses a whole request for one unknown field, so newer fields are sent only where they are known.</summary>
/// <param name="Major">Must be 1.</param>
/// <param name="Minor">Grows with every addition.</param>
/// <param name="Patch">Corrections.</param>
internal readonly record struct RestVersion(int Major, int Minor, int Patch) : IComparable<RestVersion>
{
    /// <summary>Each cluster has an id of its own. Before, all whose database is Kubernetes had the same one.</summary>
    public bool HasClusterId => this >= new RestVersion(1, 15, 0);

    /// <summary>Spawn accepts properties of the resource definition.</summary>
    public bool HasSpawnProperties => this >= new RestVersion(1, 22, 0);

    /// <summary>Deleting a resource accepts keep_tiebreaker.</summary>
    public bool HasKeepTieBreaker => this >= new RestVersion(1, 23, 0);

    /// <summary>A rollback deletes the resources and restores the snapshot; before, the data was put back in place.</summary>
    public bool RollsBackByRestore => this >= new RestVersion(1, 25, 0);

    /// <summary>Such a rollback puts the volumes' sizes back; one without that cannot restore into a volume that has grown since.</summary>
    public bool RollsBackSizes => this >= new RestVersion(1, 25, 1);

    /// <summary>Clone accepts properties; without them a half-made clone carries the marks of its source.</summary>
    public bool HasCloneProperties => this >= new RestVersion(1, 26, 0);

    public static bool operator >=(RestVersion left, RestVersion right) => left.CompareTo(right) >= 0;

    public static bool operator <=(RestVersion left, RestVersion right) => left.CompareTo(right) <= 0;

    public static bool operator <(RestVersion left, RestVersion right) => left.CompareTo(right) < 0;

    public static bool operator >(RestVersion left, RestVersion right) => left.CompareTo(right) > 0;

    /// <summary>Reads <c>1.27.0</c>; a missing patch is 0.</summary>
    /// <param name="text">The text; may be null.</param>
    /// <param name="version">The version.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string? text, out RestVersion version)
    {
        version = default;
        var parts = text?.Split('.') ?? [];
        if (parts.Length is < 2 or > 3 || !Part(parts[0], out var major) || !Part(parts[1], out var minor))
        {
            return false;
        }

        var patch = 0;
        if (parts.Length == 3 && !Part(parts[2], out patch))
        {
            return false;
        }

        version = new RestVersion(major, minor, patch);
        return true;

        static bool Part(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <inheritdoc/>
    public int CompareTo(RestVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}.{Patch}";
}
