namespace Holdfast.Server.Api.Commands;

/// <summary>What a command answers, for discovery and documentation.</summary>
/// <param name="Key">The object's key in the envelope, or in the job's result; null when the fields stand in the envelope itself.</param>
/// <param name="Fields">The object's fields.</param>
internal sealed record ResponseShape(string? Key, IReadOnlyList<ViewField> Fields)
{
    /// <summary>A success flag.</summary>
    public static ResponseShape Success { get; } = new(
        null,
        [
            new ViewField("success", "boolean", "true when the command was carried out"),
            new ViewField("displaytext", "string", "a text about what was done"),
        ]);

    /// <summary>An object or list of objects under a key.</summary>
    public static ResponseShape Of<T>(string key, View<T> view) => new(key, view.Fields);

    /// <summary>Fields in the envelope itself.</summary>
    public static ResponseShape Bare<T>(View<T> view) => new(null, view.Fields);
}
