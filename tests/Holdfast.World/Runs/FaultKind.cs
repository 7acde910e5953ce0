namespace Holdfast.Worlds.Runs;

/// <summary>What a random run may hurt.</summary>
internal enum FaultKind
{
    Storage,
    KillAgent,
    KillAgentAtLedger,
    AgentFailpoint,
    ServerFailpoint,
    FreezeAgent,
    KillServer,
    FreezeServer,
    CutWire,
    CutUp,
    CutDown,
    RepeatReports,
    StopLibvirt,
    HangLibvirt,
    LoseEvents,
    CrashDriver,
    FreezeDriver,
    SleepingDriver,
    RemoveExecutable,
    DriverFailsToStart,
    UpgradeDriver,
    PowerLoss,
    GuestEnds,
    SleepingGuest,
    LedgerFull,
    DamageLedger,
    Reimage,
}
