namespace Holdfast.Core.States;

/// <summary>What a part of a host's report is about.</summary>
public enum ReportSubject
{
    /// <summary>A storage pool on the host.</summary>
    Binding,

    /// <summary>A VM on the host.</summary>
    Machine,

    /// <summary>A piece of storage work.</summary>
    Task,

    /// <summary>Something owed to a backend.</summary>
    Obligation,

    /// <summary>What the host is.</summary>
    Facts,

    /// <summary>It could not be read what it is about.</summary>
    Unknown,
}
