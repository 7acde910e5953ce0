namespace Holdfast.Core.Planning;

/// <summary>How well the hosts that should serve a storage pool do serve it. Says nothing about the hosts themselves.</summary>
public enum PoolHealth
{
    /// <summary>No host that is heard of has told yet.</summary>
    Unknown,

    /// <summary>Every host that should serve it does.</summary>
    Up,

    /// <summary>Some do, some do not; or all do, and it takes no new volumes, because it is another pool's storage.</summary>
    Degraded,

    /// <summary>None does, and at least one says why.</summary>
    Down,

    /// <summary>In maintenance: no host is to touch its backend.</summary>
    Quiesced,
}
