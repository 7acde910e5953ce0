namespace Holdfast.Worlds.Checking;

/// <summary>Every checker, new for each run.</summary>
internal static class AllCheckers
{
    /// <summary>Invariants that are held elsewhere, and where.</summary>
    public static IReadOnlyDictionary<string, string> Elsewhere { get; } = new SortedDictionary<string, string>
    {
        ["I15"] = "no quotas yet",
        ["I18"] = "the endpoint x role tests of the server",
    };

    public static IReadOnlyList<Checker> New() =>
    [
        new ScopeChecker(),
        new StopChecker(),
        new WriterChecker(),
        new MadeAnewChecker(),
        new LedgerChecker(),
        new AddressChecker(),
        new RemovalChecker(),
        new TombstoneChecker(),
        new GenerationChecker(),
        new OneEffectChecker(),
        new RestartChecker(),
        new BulkheadChecker(),
        new DeadlineChecker(),
        new DestructionChecker(),
        new TruthChecker(),
        new ConvergenceChecker(),
        new SecretChecker(),
        new CutChecker(),
        new ContentChecker(),
        new PauseChecker(),
    ];
}
