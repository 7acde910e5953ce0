namespace Holdfast.Agent.Ingest;

/// <summary>Brings images to this host, unpacked. Bounded, safe from the loop.</summary>
internal interface IImageFetcher
{
    /// <summary>Fetches an image.</summary>
    /// <param name="url">Where it is.</param>
    /// <param name="checksum">What it must hash to as it was downloaded; null for no check.</param>
    /// <param name="key">Names the files it is kept in; made by us, never by a user.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    Task<FetchOutcome> FetchAsync(string url, string? checksum, Guid key, ImportProgress progress, CancellationToken cancellationToken);

    /// <summary>Removes what was fetched.</summary>
    void Discard(Guid key);
}

/// <summary>How a fetch went. A closed hierarchy.</summary>
internal abstract record FetchOutcome
{
    private FetchOutcome()
    {
    }

    /// <summary>The image is there.</summary>
    internal sealed record Fetched(string Path) : FetchOutcome;

    /// <summary>It was refused or not reached.</summary>
    internal sealed record Refused(string Reason) : FetchOutcome;
}

/// <summary>Looks into and copies images, in children that can do nothing else. Bounded, safe from the loop.</summary>
internal interface IImageTool
{
    /// <summary>Looks into an image that nobody trusts yet.</summary>
    Task<InspectOutcome> InspectAsync(string path, string declaredFormat, CancellationToken cancellationToken);

    /// <summary>Copies an image to an existing target.</summary>
    Task<CopyOutcome> CopyAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken);
}

/// <summary>What an image is. A closed hierarchy.</summary>
internal abstract record InspectOutcome
{
    private InspectOutcome()
    {
    }

    /// <summary>It is what was declared, whole, and stands alone.</summary>
    /// <param name="VirtualSize">Bytes that a guest sees.</param>
    internal sealed record Fine(long VirtualSize) : InspectOutcome
    {
        /// <summary>Bytes of these that are anything but zeros, about: what a sparse copy takes.</summary>
        public long ContentBytes { get; init; }
    }

    /// <summary>It is not taken.</summary>
    internal sealed record Refused(string Reason) : InspectOutcome;
}

/// <summary>How a copy went. A closed hierarchy.</summary>
internal abstract record CopyOutcome
{
    private CopyOutcome()
    {
    }

    /// <summary>All of it is at the target, flushed.</summary>
    internal sealed record Copied : CopyOutcome;

    /// <summary>It is not.</summary>
    internal sealed record Failed(string Reason) : CopyOutcome;
}
