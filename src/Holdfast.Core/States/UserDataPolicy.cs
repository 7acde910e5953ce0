namespace Holdfast.Core.States;

/// <summary>What becomes of user data that a template has, when a VM is given its own.</summary>
public enum UserDataPolicy
{
    /// <summary>The VM's own is told in its place.</summary>
    AllowOverride,

    /// <summary>Both are told, the template's first.</summary>
    Append,

    /// <summary>The template's alone is told; a VM cannot be given its own.</summary>
    DenyOverride,
}
