namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>What came of one HTTP exchange. A closed hierarchy.</summary>
internal abstract record RawReply
{
    private RawReply()
    {
    }

    /// <summary>A whole answer.</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Location">Where a redirect leads.</param>
    /// <param name="Body">The body, within the bound.</param>
    internal sealed record Answer(int Status, Uri? Location, ReadOnlyMemory<byte> Body) : RawReply;

    /// <summary>The request did not leave: no connection. It had no effect.</summary>
    /// <param name="Reason">Why.</param>
    internal sealed record NotSent(string Reason) : RawReply;

    /// <summary>The request may have arrived, the answer did not (in time, or in one piece).</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="TimedOut">Whether time ran out, so that asking again at once would only cost more of it.</param>
    internal sealed record Lost(string Reason, bool TimedOut) : RawReply;
}
