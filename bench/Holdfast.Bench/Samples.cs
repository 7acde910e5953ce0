namespace Holdfast.Bench;

/// <summary>Durations of one thing done many times.</summary>
internal sealed class Samples
{
    private readonly List<double> _milliseconds = [];

    public int Count => _milliseconds.Count;

    public double P50 => Quantile(0.50);

    public double P99 => Quantile(0.99);

    /// <summary>All of several together.</summary>
    public static Samples Of(IEnumerable<Samples> parts)
    {
        var all = new Samples();
        foreach (var part in parts)
        {
            all._milliseconds.AddRange(part._milliseconds);
        }

        return all;
    }

    public void Add(TimeSpan took) => _milliseconds.Add(took.TotalMilliseconds);

    // The nearest rank: with 100 samples p99 is the second largest, so one hiccup of the machine does not decide it and two do.
    private double Quantile(double quantile)
    {
        var sorted = _milliseconds.Order().ToList();
        return sorted[Math.Max(0, (int)Math.Ceiling(quantile * sorted.Count) - 1)];
    }
}
