namespace Holdfast.Core.States;

/// <summary>Whether a VM is on its way out.</summary>
public enum VmRemoval
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>Destroyed once its guest is gone; can be recovered.</summary>
    Destroy,

    /// <summary>Expunged once its guest is gone.</summary>
    Expunge,
}
