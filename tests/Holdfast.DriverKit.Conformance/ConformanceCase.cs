namespace Holdfast.DriverKit.Conformance;

/// <summary>One thing that every driver must do.</summary>
/// <param name="Name">What it must do, as a sentence.</param>
/// <param name="Body">How that is found out.</param>
/// <param name="Starts">Whether the driver is started for the case; otherwise the case starts it itself.</param>
public sealed record ConformanceCase(string Name, Func<ConformanceRun, Task> Body, bool Starts = true)
{
    /// <summary>How long a case may take: a dozen calls at the end of their deadlines, as cases that kill the driver again and again have them on a busy machine.</summary>
    /// <param name="target">The driver.</param>
    public static TimeSpan Patience(ConformanceTarget target) => target.Deadline * 12;

    /// <summary>Judges a driver, and removes what was made for it from a backend that is shared.</summary>
    /// <param name="target">The driver.</param>
    /// <param name="isLeft">Is told what could not be removed.</param>
    /// <returns>Null when it does it; otherwise why the case does not apply.</returns>
    /// <exception cref="ConformanceException">It does not.</exception>
    public async Task<string?> JudgeAsync(ConformanceTarget target, Action<string>? isLeft = null)
    {
        if (target.Skip(Name) is { } reason)
        {
            return reason;
        }

        var allowed = Patience(target);
        using var patience = new CancellationTokenSource(allowed);
        await using var run = await ConformanceRun.OpenAsync(target, patience.Token);
        try
        {
            return await JudgeAsync(run, allowed, patience.Token);
        }
        finally
        {
            if (target.IsShared)
            {
                using var cleaning = new CancellationTokenSource(allowed);
                foreach (var left in await run.CleanUpAsync(cleaning.Token))
                {
                    isLeft?.Invoke(left);
                }
            }
        }
    }

    private async Task<string?> JudgeAsync(ConformanceRun run, TimeSpan allowed, CancellationToken patience)
    {
        try
        {
            if (Starts)
            {
                await run.StartAsync();
            }

            await Body(run).WaitAsync(patience);
            run.ExpectNoSecrets();
            return null;
        }
        catch (SkipException skip)
        {
            return skip.Message;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new ConformanceException($"'{Name}' did not end within {allowed.TotalSeconds} s. The driver's log:\n{run.LogTail()}");
        }
        catch (Exception failure)
        {
            throw new ConformanceException($"'{Name}': {(failure is ConformanceException ? failure.Message : failure.ToString())}\nThe driver's log:\n{run.LogTail()}");
        }
    }
}
