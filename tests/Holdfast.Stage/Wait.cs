using System.Diagnostics;
using System.Globalization;
using Holdfast.Cli.CloudStack;

namespace Holdfast.Staging;

/// <summary>Waiting for what is looked at from outside, where no event tells.</summary>
internal static class Wait
{
    /// <summary>Waits until something holds.</summary>
    /// <param name="what">What is waited for, for the text of the failure.</param>
    /// <param name="deadline">How long.</param>
    /// <param name="holds">Asked again and again; an unanswered API call counts as not yet.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="PromiseBrokenException">It did not come true.</exception>
    public static async Task<TimeSpan> UntilAsync(string what, TimeSpan deadline, Func<Task<bool>> holds)
    {
        var began = Stopwatch.GetTimestamp();
        var last = "";
        while (true)
        {
            try
            {
                if (await holds())
                {
                    return Stopwatch.GetElapsedTime(began);
                }
            }
            catch (ApiFaultException fault)
            {
                last = $"; last: {fault.Message}";
            }

            if (Stopwatch.GetElapsedTime(began) > deadline)
            {
                throw new PromiseBrokenException(string.Create(CultureInfo.InvariantCulture, $"waited {deadline.TotalSeconds:0} s in vain for {what}{last}"));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
