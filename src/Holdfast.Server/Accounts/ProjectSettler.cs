using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Jobs are about projects; what ends in one is settled as its account, which has the same id.</summary>
internal sealed class ProjectSettler : TurnPart, ITurnPart<ProjectSettler>, ISettler<ProjectId>
{
    private ProjectSettler(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static ProjectSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.Project;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new ProjectId(id));

    /// <inheritdoc/>
    public Task SettleAsync(ProjectId id, CancellationToken cancellationToken)
    {
        Turn.Mark(new AccountId(id.Value));
        return Task.CompletedTask;
    }
}
