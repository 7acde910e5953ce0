using Holdfast.Core.Ids;

namespace Holdfast.Agent.Bindings;

/// <summary>
/// Which build of its driver a binding is served by, and when an installed one that is not served yet is to be tried. What does not start, or ends soon after
/// it was started, is set aside and the build that served well before is used; an operator who replaces the files, or changes the pool, has them looked at anew.
/// Decides only; lives on the loop.
/// </summary>
internal sealed class DriverUpgrade(TimeProvider time)
{
    /// <summary>For how long files must have stayed as they are: an installation replaces one after another.</summary>
    public static readonly TimeSpan Unchanged = TimeSpan.FromSeconds(5);

    /// <summary>After this a build that did not start when it was tried is tried again: the host may have been busy. Nothing is interrupted for it.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(5);

    private (DriverBuild Build, long At)? _sighted;
    private Rejection? _rejected;

    /// <summary>Why the installed build is not used; null when it is, or when it was not tried yet.</summary>
    public string? Remark => _rejected?.Reason;

    /// <summary>The build to start.</summary>
    /// <param name="installed">What is installed.</param>
    /// <param name="proven">What served well before, when its files were kept.</param>
    /// <param name="generation">The generation of the pool's settings.</param>
    public DriverBuild Choose(DriverBuild installed, DriverBuild? proven, Generation generation) =>
        IsRejected(installed, generation) && proven is { } former ? former : installed;

    /// <summary>Whether the installed build is to be tried beside the one that serves. To be asked every few seconds.</summary>
    /// <param name="served">The build that serves.</param>
    /// <param name="installed">What is installed.</param>
    /// <param name="generation">The generation of the pool's settings.</param>
    public bool IsDue(DriverBuild served, DriverBuild installed, Generation generation)
    {
        if (served == installed)
        {
            Forgive();
            return false;
        }

        if (_sighted is not { } sighted || sighted.Build != installed)
        {
            _sighted = (installed, time.GetTimestamp());
            return false;
        }

        if (IsRejected(installed, generation))
        {
            return _rejected is { IsLasting: false } failed && time.GetElapsedTime(failed.At) >= TryAgainAfter;
        }

        return time.GetElapsedTime(sighted.At) >= Unchanged;
    }

    /// <summary>The build did not start, or did not go on.</summary>
    /// <param name="build">The build.</param>
    /// <param name="generation">The generation of the pool's settings.</param>
    /// <param name="reason">A sentence for the operator.</param>
    /// <param name="isLasting">It served and ended, or refuses the settings: not to be tried again before its files or the pool's settings are others.</param>
    public void Reject(DriverBuild build, Generation generation, string reason, bool isLasting) =>
        _rejected = new Rejection(build, generation, reason, isLasting, time.GetTimestamp());

    /// <summary>What was rejected may be started again: it serves, or the one before does not start either.</summary>
    public void Forgive() => (_sighted, _rejected) = (null, null);

    private bool IsRejected(DriverBuild build, Generation generation) =>
        _rejected is { } rejected && rejected.Build == build && rejected.Generation == generation;

    private sealed record Rejection(DriverBuild Build, Generation Generation, string Reason, bool IsLasting, long At);
}
