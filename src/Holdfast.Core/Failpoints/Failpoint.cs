namespace Holdfast.Core.Failpoints;

/// <summary>A named place between an effect and its record, where a test can make a process fail, wait or die.</summary>
/// <param name="Name">The name: <c>program.object.moment</c>.</param>
/// <param name="CanFail">Whether the place has a failure of its own that can be injected.</param>
/// <param name="CanDelay">Whether the place can wait.</param>
/// <param name="Where">What has happened there, and what has not.</param>
public sealed record Failpoint(string Name, bool CanFail, bool CanDelay, string Where)
{
    /// <summary>The agent's ledger is about to be written. An error is a disk that refuses.</summary>
    public static readonly Failpoint LedgerBeforeWrite = new("agent.ledger.before-write", true, false, "nothing of the transaction is written");

    /// <summary>The agent's ledger was written.</summary>
    public static readonly Failpoint LedgerWritten = new("agent.ledger.written", false, false, "the transaction is on disk, nobody has acted on it");

    /// <summary>A call is about to go to a driver. An error is a driver that cannot be reached.</summary>
    public static readonly Failpoint CallBefore = new("agent.call.before", true, true, "the driver was not asked");

    /// <summary>A driver has answered. An error is an answer that was lost.</summary>
    public static readonly Failpoint CallAnswered = new("agent.call.answered", true, true, "the driver has answered, nobody has acted on it");

    /// <summary>The attachments of a start are written down.</summary>
    public static readonly Failpoint AttachRecorded = new("agent.attach.recorded", false, true, "the rows say uncertain, no driver was asked");

    /// <summary>All volumes of a start are attached.</summary>
    public static readonly Failpoint AttachAnswered = new("agent.attach.answered", false, true, "the volumes are attached, the rows still say uncertain");

    /// <summary>A domain is about to be defined and started.</summary>
    public static readonly Failpoint StartBefore = new("agent.start.before", false, true, "the volumes are attached and written down, there is no domain");

    /// <summary>A guest runs.</summary>
    public static readonly Failpoint StartDone = new("agent.start.done", false, true, "the guest runs, the ledger says that it is starting");

    /// <summary>A guest is about to be destroyed.</summary>
    public static readonly Failpoint DestroyBefore = new("agent.destroy.before", false, true, "the guest runs");

    /// <summary>That I/O of a killed guest is to be cut off is written down.</summary>
    public static readonly Failpoint CutRecorded = new("agent.cut.recorded", false, true, "the rows say cut, no driver was asked");

    /// <summary>I/O of a killed guest was cut off, or that was refused.</summary>
    public static readonly Failpoint CutAsked = new("agent.cut.asked", false, true, "a driver has answered, the row does not say so");

    /// <summary>A guest is gone.</summary>
    public static readonly Failpoint DestroyDone = new("agent.destroy.done", false, true, "the guest is gone, the ledger says that it runs");

    /// <summary>That a guest is gone, and what its storage is owed, is written down.</summary>
    public static readonly Failpoint GoneRecorded = new("agent.gone.recorded", false, true, "the rows are written, nobody was told");

    /// <summary>A disk is about to be plugged into a running guest.</summary>
    public static readonly Failpoint PlugBefore = new("agent.plug.before", false, true, "the volume is attached and written down, the guest does not have it");

    /// <summary>A disk was plugged in, or out; memory or processors were plugged in.</summary>
    public static readonly Failpoint PlugDone = new("agent.plug.done", false, true, "the guest has the disk, or has it no more, or has more memory or processors, and nothing says so");

    /// <summary>An obligation is about to be tried.</summary>
    public static readonly Failpoint ObligationBefore = new("agent.obligation.before", false, true, "the driver was not asked");

    /// <summary>An obligation was tried.</summary>
    public static readonly Failpoint ObligationTried = new("agent.obligation.tried", false, true, "the driver has answered, the row says owed");

    /// <summary>An inventory's findings are written down.</summary>
    public static readonly Failpoint InventoryRecorded = new("agent.inventory.recorded", false, true, "the rows are written, nothing is owed yet");

    /// <summary>A task is written down as running.</summary>
    public static readonly Failpoint TaskRecorded = new("agent.task.recorded", false, true, "the row says running, no driver was asked");

    /// <summary>A task's work is over.</summary>
    public static readonly Failpoint TaskDone = new("agent.task.done", false, true, "the work is done or has failed, the row says running");

    /// <summary>A driver process was launched.</summary>
    public static readonly Failpoint DriverLaunched = new("agent.driver.launched", false, true, "the driver is ready, nobody uses it yet");

    /// <summary>Another build of a driver was tried out.</summary>
    public static readonly Failpoint DriverTried = new("agent.driver.tried", false, true, "the one that was tried runs aside, the one before serves");

    /// <summary>A removed pool's driver process has ended.</summary>
    public static readonly Failpoint DriverEnded = new("agent.driver.ended", false, true, "the process is gone, its folder is there");

    /// <summary>A removed pool's folder is gone.</summary>
    public static readonly Failpoint BindingCleared = new("agent.binding.cleared", false, true, "process and folder are gone, the ledger does not say so");

    /// <summary>The server accepted a report.</summary>
    public static readonly Failpoint ReportAccepted = new("agent.report.accepted", false, true, "the server has it, the ledger still keeps what was told");

    /// <summary>A driver is about to make a change. An error is a backend that cannot be reached.</summary>
    public static readonly Failpoint DriverBefore = new("driver.change.before", true, true, "the backend was not asked");

    /// <summary>A driver has made a change. An error is an effect whose answer was lost.</summary>
    public static readonly Failpoint DriverChanged = new("driver.change.done", true, true, "the change is made, the agent was not told");

    /// <summary>The server is about to commit.</summary>
    public static readonly Failpoint ServerBeforeCommit = new("server.commit.before", false, true, "the transaction is open with all that follows from it");

    /// <summary>The server has committed.</summary>
    public static readonly Failpoint ServerCommitted = new("server.commit.done", false, true, "the rows are durable, nobody was woken or answered");

    /// <summary>The server is about to commit a step of its work: a wish was accepted, a host is told something, or a job ends.</summary>
    public static readonly Failpoint ServerBeforeStep = new("server.step.before", false, true, "the transaction is open with the step and all that follows from it");

    /// <summary>The server has committed a step of its work.</summary>
    public static readonly Failpoint ServerStepDone = new("server.step.done", false, true, "the step is durable, nobody was woken or answered");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Failpoint> All { get; } =
    [
        LedgerBeforeWrite, LedgerWritten, CallBefore, CallAnswered, AttachRecorded, AttachAnswered, StartBefore, StartDone, DestroyBefore, CutRecorded, CutAsked, DestroyDone, GoneRecorded,
        PlugBefore, PlugDone, ObligationBefore, ObligationTried, InventoryRecorded, TaskRecorded, TaskDone, DriverLaunched, DriverTried, DriverEnded, BindingCleared,
        ReportAccepted, DriverBefore, DriverChanged, ServerBeforeCommit, ServerCommitted, ServerBeforeStep, ServerStepDone,
    ];
}
