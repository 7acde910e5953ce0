namespace Holdfast.DriverKit.Serving;

/// <summary>What goes back to the caller.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">JSON.</param>
internal readonly record struct DriverReply(int Status, byte[] Body);
