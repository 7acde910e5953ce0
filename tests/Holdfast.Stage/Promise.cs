namespace Holdfast.Staging;

/// <summary>Checks of what Holdfast promises; usable in tests, in the demo and in the bench alike.</summary>
internal static class Promise
{
    /// <summary>Demands that something holds.</summary>
    /// <param name="holds">Whether it does.</param>
    /// <param name="otherwise">What to say when it does not.</param>
    /// <exception cref="PromiseBrokenException">It does not.</exception>
    public static void Holds(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new PromiseBrokenException(otherwise);
        }
    }
}
