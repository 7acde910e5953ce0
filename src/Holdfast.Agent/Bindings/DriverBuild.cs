namespace Holdfast.Agent.Bindings;

/// <summary>Which files a driver consists of: two installations with the same build are the same program. Made of the files' names, sizes and times.</summary>
/// <param name="Value">Sixteen hexadecimal digits.</param>
internal readonly record struct DriverBuild(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}
