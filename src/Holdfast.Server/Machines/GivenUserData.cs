using Holdfast.Core.Ids;

namespace Holdfast.Server.Machines;

/// <summary>User data for a VM.</summary>
/// <param name="Content">Itself, in Base64; null when it is registered, or there is none.</param>
/// <param name="Registered">The registered one.</param>
/// <param name="Details">The values of its variables.</param>
internal sealed record GivenUserData(string? Content, UserDataId? Registered, IReadOnlyDictionary<string, string> Details)
{
    /// <summary>None.</summary>
    public static GivenUserData None { get; } = new(null, null, new Dictionary<string, string>());
}
