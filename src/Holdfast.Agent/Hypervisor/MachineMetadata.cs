using System.Xml.Linq;
using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>The mark that makes a domain ours. A domain without it is never touched.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Generation">The generation that the domain was started from.</param>
internal sealed record MachineMetadata(VmId Machine, Generation Generation)
{
    private static readonly XNamespace Namespace = "https://holdfast.dev/xmlns/machine/1";

    /// <summary>Writes the mark.</summary>
    public XElement ToXml() => new(
        Namespace + "machine",
        new XAttribute(XNamespace.Xmlns + "holdfast", Namespace.NamespaceName),
        new XAttribute("id", Machine.ToString()),
        new XAttribute("generation", Generation.Value));

    /// <summary>Reads the mark of a domain.</summary>
    /// <param name="domain">The whole definition.</param>
    /// <returns>The mark; null when there is none, or when it names another machine than the domain's UUID, as that of a cloned definition does.</returns>
    public static MachineMetadata? Read(XElement domain)
    {
        var mark = domain.Element("metadata")?.Element(Namespace + "machine");
        return mark is not null
            && Guid.TryParse((string?)mark.Attribute("id"), out var id)
            && Guid.TryParse((string?)domain.Element("uuid"), out var uuid)
            && id == uuid
            && long.TryParse((string?)mark.Attribute("generation"), out var generation)
            ? new MachineMetadata(new VmId(id), new Generation(generation))
            : null;
    }
}
