namespace Holdfast.Staging;

/// <summary>How a storage's controller is dead.</summary>
internal enum Death
{
    /// <summary>Nobody listens.</summary>
    Refused,

    /// <summary>Packets vanish.</summary>
    BlackHoled,

    /// <summary>Takes requests and never answers.</summary>
    Silent,

    /// <summary>Answers every request with HTTP 500 and a page that is not LINSTOR's.</summary>
    ServerError,

    /// <summary>Answers with bytes that are not HTTP.</summary>
    Garbage,

    /// <summary>Answers a byte a second.</summary>
    Crawling,
}
