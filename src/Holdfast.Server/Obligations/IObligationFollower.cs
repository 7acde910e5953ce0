using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Obligations;

/// <summary>A part of a turn that waits for deletions which are owed.</summary>
internal interface IObligationFollower
{
    /// <summary>A host has told of a deletion that it owes or owed; its row is written.</summary>
    /// <param name="obligation">The row.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task DeletionChangedAsync(ObligationRow obligation, CancellationToken cancellationToken);
}
