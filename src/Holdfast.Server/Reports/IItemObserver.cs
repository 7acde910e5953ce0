namespace Holdfast.Server.Reports;

/// <summary>A part of a turn that takes what hosts say of items. Each is asked about every item, and takes those of its own.</summary>
internal interface IItemObserver
{
    /// <summary>Takes what a host says.</summary>
    /// <param name="seen">What it says.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task ObserveAsync(ObservedItem seen, CancellationToken cancellationToken);
}
