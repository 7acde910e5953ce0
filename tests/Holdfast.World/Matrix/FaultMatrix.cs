namespace Holdfast.Worlds.Matrix;

/// <summary>The fault matrix: every row, played or waiting.</summary>
internal static class FaultMatrix
{
    private const string LiveMigration = "live migration";
    private const string HighAvailability = "HA restart and fencing";
    private const string Snapshots = "snapshots";

    /// <summary>All rows by number.</summary>
    public static IReadOnlyList<MatrixRow> Rows { get; } =
    [
        .. new[] { OtherStorageRows.All, OwnStorageRows.All, CrashRows.All, NetworkRows.All, RemovalRows.All, CutRows.All, ForgetfulRows.All, PausedRows.All, Waiting }
            .SelectMany(static rows => rows).OrderBy(static row => row.Number),
    ];

    private static IEnumerable<MatrixRow> Waiting =>
    [
        Later(9, "F10 own, then fencing proof", "HA restart", HighAvailability),
        Later(17, "F17 power loss during a start", "start", HighAvailability),
        Later(18, "F17, the host returns", "HA restart done elsewhere", HighAvailability),
        Later(21, "F18, storage reachable", "HA restart", HighAvailability),
        Later(25, "two servers believe they own a job", "all", "two nodes on PostgreSQL in one world; the store's tests hold single statements"),
        Later(49, "F2 on source storage", "live-migrate", LiveMigration),
        Later(50, "F17 of the target at switch-over", "live-migrate", LiveMigration),
        Later(51, "F1 own after a migration", "detach on the source", LiveMigration),
        Later(52, "F3 x100", "snapshot of 100 VMs", Snapshots),
        Later(53, "F14 while the guest is frozen", "snapshot", Snapshots),
        Later(56, "F27 certificate expiry", "all", "certificates are not part of a world"),
        Later(57, "F19 with 5,000 agents", "reconnect", "admission of reconnects"),
        Later(59, "malicious image", "template import", "held by the sandbox's own tests"),
        Later(60, "template URL redirects inward", "template import", "held by the egress guard's own tests"),
        Later(61, "foreign ids in every parameter", "every endpoint", "held by the server's endpoint x role tests"),
        Later(62, "heartbeat write to storage fails", "HA", HighAvailability),
    ];

    private static MatrixRow Later(int number, string fault, string operations, string waitsFor) => new(number, fault, operations, string.Empty) { Waiting = waitsFor };
}
