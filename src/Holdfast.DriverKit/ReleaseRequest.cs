using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit;

/// <summary>Releases an attachment of a volume on this host.</summary>
/// <param name="Mode">What it was attached for.</param>
/// <param name="Generation">The generation named when it was attached.</param>
public sealed record ReleaseRequest(AttachMode Mode, Generation Generation);
