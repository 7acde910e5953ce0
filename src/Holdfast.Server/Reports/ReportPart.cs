using System.Text.Json;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;

namespace Holdfast.Server.Reports;

/// <summary>One thing that a host says in a report, taken by itself. A closed hierarchy.</summary>
internal abstract record ReportPart
{
    private ReportPart(ReportSubject subject, Guid id) => (Subject, Id) = (subject, id);

    /// <summary>What it is about.</summary>
    public ReportSubject Subject { get; }

    /// <summary>Which; all zeros when that cannot be read, and for what the host is.</summary>
    public Guid Id { get; }

    /// <summary>Its words, as JSON.</summary>
    public abstract string Said { get; }

    /// <summary>Reads a part that was set aside.</summary>
    public static ReportPart Read(ReportSubject subject, Guid id, string said)
    {
        try
        {
            return subject switch
            {
                ReportSubject.Binding or ReportSubject.Machine or ReportSubject.Task when JsonSerializer.Deserialize(said, HostJson.Default.ItemReport) is { } item => new Item(item),
                ReportSubject.Obligation when JsonSerializer.Deserialize(said, HostJson.Default.ObligationReport) is { } obligation => new Obligation(obligation),
                ReportSubject.Facts when JsonSerializer.Deserialize(said, HostJson.Default.HostFacts) is { } facts => new Facts(facts),
                _ => new Unreadable(subject, id, said, "it cannot be read what it is about"),
            };
        }
        catch (JsonException exception)
        {
            return new Unreadable(subject, id, said, exception.Message);
        }
    }

    /// <summary>The state of an item.</summary>
    /// <param name="Report">What is said.</param>
    public sealed record Item(ItemReport Report)
        : ReportPart(
            Report.Kind switch { ItemKind.Binding => ReportSubject.Binding, ItemKind.Machine => ReportSubject.Machine, _ => ReportSubject.Task },
            Report.Id)
    {
        /// <inheritdoc/>
        public override string Said => JsonSerializer.Serialize(Report, HostJson.Default.ItemReport);
    }

    /// <summary>Something owed.</summary>
    /// <param name="Report">What is said.</param>
    public sealed record Obligation(ObligationReport Report) : ReportPart(ReportSubject.Obligation, Report.Id.Value)
    {
        /// <inheritdoc/>
        public override string Said => JsonSerializer.Serialize(Report, HostJson.Default.ObligationReport);
    }

    /// <summary>What the host is. In a report that can be taken as one it goes with the heartbeat.</summary>
    /// <param name="Report">What is said.</param>
    public sealed record Facts(HostFacts Report) : ReportPart(ReportSubject.Facts, Guid.Empty)
    {
        /// <inheritdoc/>
        public override string Said => JsonSerializer.Serialize(Report, HostJson.Default.HostFacts);
    }

    /// <summary>What this version cannot read.</summary>
    public sealed record Unreadable : ReportPart
    {
        /// <summary>Makes one.</summary>
        /// <param name="subject">What it seems to be about.</param>
        /// <param name="id">Which, where that can be read.</param>
        /// <param name="said">Its words.</param>
        /// <param name="why">What cannot be read.</param>
        public Unreadable(ReportSubject subject, Guid id, string said, string why)
            : base(subject, id) => (Said, Why) = (said, why);

        /// <inheritdoc/>
        public override string Said { get; }

        /// <summary>What cannot be read.</summary>
        public string Why { get; }
    }
}
