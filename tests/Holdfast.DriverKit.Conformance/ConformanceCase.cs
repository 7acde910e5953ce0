namespace Holdfast.DriverKit.Conformance;

/// <summary>One thing that every driver must do.</summary>
/// <param name="Name">What it must do, as a sentence.</param>
/// <param name="Body">How that is found out.</param>
/// <param name="Starts">Whether the driver is started for the case; otherwise the case starts it itself.</param>
public sealed record ConformanceCase(string Name, Func<ConformanceRun, Task> Body, bool Starts = true)
{
    /// <summary>How long a case may take.</summary>
    public static TimeSpan Patience => TimeSpan.FromSeconds(90);

    /// <summary>Judges a driver.</summary>
    /// <param name="target">The driver.</param>
    /// <returns>Null when it does it; otherwise why the case does not apply.</returns>
    /// <exception cref="ConformanceException">It does not.</exception>
    public async Task<string?> JudgeAsync(ConformanceTarget target)
    {
        if (target.Skip(Name) is { } reason)
        {
            return reason;
        }

        using var patience = new CancellationTokenSource(Patience);
        await using var run = await ConformanceRun.OpenAsync(target, patience.Token);
        try
        {
            if (Starts)
            {
                await run.StartAsync();
            }

            await Body(run).WaitAsync(patience.Token);
            run.ExpectNoSecrets();
            return null;
        }
        catch (SkipException skip)
        {
            return skip.Message;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new ConformanceException($"'{Name}' did not end within {Patience.TotalSeconds} s. The driver's log:\n{run.LogTail()}");
        }
        catch (Exception failure)
        {
            throw new ConformanceException($"'{Name}': {(failure is ConformanceException ? failure.Message : failure.ToString())}\nThe driver's log:\n{run.LogTail()}");
        }
    }
}
