namespace Holdfast.Core.States;

/// <summary>Kinds of tasks.</summary>
public enum WorkKind
{
    /// <summary>Make a volume exist.</summary>
    EnsureVolume,

    /// <summary>Delete a volume.</summary>
    DeleteVolume,

    /// <summary>Grow a volume.</summary>
    ResizeVolume,

    /// <summary>Bring a template on a pool.</summary>
    ImportTemplate,

    /// <summary>Look which volumes a pool's backend has.</summary>
    ListVolumes,

    /// <summary>Try an obligation now.</summary>
    RetryObligation,

    /// <summary>Write an obligation off.</summary>
    ForgetObligation,
}
