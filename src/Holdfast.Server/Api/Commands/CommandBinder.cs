using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>
/// Reads and checks the values of a command's parameters: required, type, length, and that every id exists for the caller. An id that does not exist and
/// one that belongs to somebody else give the same answer. Changes nothing.
/// </summary>
internal static class CommandBinder
{
    /// <summary>Binds a request to a command.</summary>
    public static async Task<BindOutcome> BindAsync(
        ApiCommand command,
        RequestParameters parameters,
        ApiCaller? caller,
        RequestOrigin origin,
        ApiServices services,
        CancellationToken cancellationToken)
    {
        var findsNothing = false;
        foreach (var foreign in ForeignParameters.Of(command))
        {
            if (foreign.Treatment == ParameterTreatment.WithoutEffect || !foreign.IsAsked(parameters))
            {
                continue;
            }

            if (foreign.Treatment == ParameterTreatment.Refused)
            {
                return new BindOutcome(null, ApiError.InvalidParameter($"Parameter {foreign.Name} of {command.Name} is not supported: {foreign.Why}. Nothing was done"));
            }

            findsNothing = true;
        }

        var values = new Dictionary<ApiParameter, object>();
        foreach (var parameter in command.Parameters)
        {
            var bound = parameter.Bind(command.Name, parameters);
            if (bound.Error is { } error)
            {
                return new BindOutcome(null, error);
            }

            if (bound.Value is { } value)
            {
                values.Add(parameter, value);
            }
            else if (parameter.IsRequired)
            {
                return new BindOutcome(null, ApiError.Missing(command.Name, parameter.Name));
            }
        }

        int? pageNumber = values.TryGetValue(CommonParameters.PageNumber, out var number) ? (int)number : null;
        int? pageSize = values.TryGetValue(CommonParameters.PageSize, out var size) ? (int)size : null;
        if (!Page.TryMake(pageNumber, pageSize, out var page, out var pageError))
        {
            return new BindOutcome(null, pageError);
        }

        foreach (var (parameter, value) in values)
        {
            if (parameter.Entity is not { } reference || caller is null)
            {
                continue;
            }

            // In a list the empty id (-1) is a filter that finds nothing; elsewhere it names an entity that does not exist.
            var ids = parameter.Ids(value).Where(id => !(id == Guid.Empty && (command.IsList || parameter.AcceptsMinusOne))).ToList();
            if (ids.Count == 0)
            {
                continue;
            }

            var found = await services.Entities.FindAsync(reference, ids, caller, cancellationToken);
            foreach (var id in ids)
            {
                if (!found.Contains(id))
                {
                    return new BindOutcome(
                        null,
                        ApiError.UnknownEntity(command.Name, parameter.Name, id == Guid.Empty ? Parameters.NoSuchEntity : id.ToString("D")));
                }
            }
        }

        return new BindOutcome(new CommandCall(command, caller, values, page, origin, services), null) { FindsNothing = findsNothing };
    }

    /// <summary>What binding gave: exactly one of the two is set.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Error">Why not.</param>
    internal sealed record BindOutcome(CommandCall? Call, ApiError? Error)
    {
        /// <summary>A list was asked for by something that nothing here is or has.</summary>
        public bool FindsNothing { get; init; }
    }
}
