namespace Holdfast.Agent.Ingest;

/// <summary>How far a download is. Written by whoever downloads, read by whoever reports.</summary>
internal sealed class ImportProgress
{
    /// <summary>All of it is here.</summary>
    public const int All = 100;

    private int _percent;

    /// <summary>Per cent that have arrived; 0 too while the length is not known.</summary>
    public int Percent => Volatile.Read(ref _percent);

    /// <summary>Takes note of what has arrived. All is only said by <see cref="Complete"/>: the last byte is not yet the check of it.</summary>
    /// <param name="received">Bytes so far.</param>
    /// <param name="announced">Bytes in all, when known.</param>
    public void Received(long received, long? announced)
    {
        if (announced is > 0 and var all)
        {
            Volatile.Write(ref _percent, (int)Math.Clamp(received / (all / 100.0), 0, All - 1));
        }
    }

    /// <summary>Takes note that the download is over.</summary>
    public void Complete() => Volatile.Write(ref _percent, All);
}
