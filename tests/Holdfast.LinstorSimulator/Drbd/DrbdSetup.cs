using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>
/// Stands in for <c>drbdsetup</c> on one node, from the state on disk and the devices of this machine alone: <c>status [RESOURCE] [--json]</c>,
/// <c>events2 --now [RESOURCE]</c>, <c>show [RESOURCE] [--json]</c>.
/// </summary>
internal sealed class DrbdSetup
{
    private const int UsageError = 20;
    private const int NoSuchResource = 10;
    private readonly ClusterState _state;
    private readonly string _node;
    private readonly OpenDevices _open = OpenDevices.Scan();

    private DrbdSetup(ClusterState state, string node)
    {
        _state = state;
        _node = node;
    }

    /// <summary>Runs one call; gives its exit code.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        var split = Array.IndexOf(args, "--");
        var ours = split < 0 ? args : args[..split];
        var theirs = split < 0 ? [] : args[(split + 1)..];
        if (ours is not ["--state", var folder, "--node", var node] || theirs.Length == 0)
        {
            errors.WriteLine("drbdsetup: needs --state DIR --node NAME -- COMMAND");
            return UsageError;
        }

        if (StateFolder.Look(folder).Load() is not { } state)
        {
            errors.WriteLine($"drbdsetup: no cluster in {folder}");
            return UsageError;
        }

        var json = theirs.Contains("--json") || theirs.Contains("-j");
        var name = theirs[1..].FirstOrDefault(static argument => !argument.StartsWith('-'));
        var setup = new DrbdSetup(state, node);
        var chosen = setup.Up().Where(definition => name is null || name == "all" || definition.Name == name).ToList();
        if (name is not null && name != "all" && chosen.Count == 0 && theirs[0] != "events2")
        {
            if (json)
            {
                output.WriteLine("[\n]");
            }

            errors.WriteLine($"'{name}': No such resource");
            return NoSuchResource;
        }

        switch (theirs[0])
        {
            case "status" when json:
                output.WriteLine(setup.Json(chosen, setup.WriteStatus));
                return 0;
            case "status":
                setup.Status(chosen, output);
                return 0;
            case "events2" when theirs.Contains("--now"):
                setup.Events(chosen, output);
                return 0;
            case "show" when json:
                output.WriteLine(setup.Json(chosen, setup.WriteShow));
                return 0;
            case "show":
                setup.Show(chosen, output);
                return 0;
            default:
                errors.WriteLine($"drbdsetup: the stand-in knows status, events2 --now and show, not '{string.Join(' ', theirs)}'");
                return UsageError;
        }
    }

    /// <summary>The resources that are up on this node: their devices exist.</summary>
    private IEnumerable<DefinitionRow> Up() => _state.Definitions.Where(definition =>
        definition.Drbd && definition.Resource(_node) is { } resource && resource.Volumes.Count > 0 && resource.Volumes.TrueForAll(volume => IsThere(definition, resource, volume)));

    private bool IsThere(DefinitionRow definition, ResourceRow resource, VolumeRow volume) => volume.Device is not null
        && (_state.Node(resource.Node) is not { DeviceRoot: { } root } || volume.Device.StartsWith("/dev/loop", StringComparison.Ordinal) is false
            || File.Exists(Path.Combine(root, "drbd", "by-res", definition.Name, $"{volume.Number}")));

    private bool IsPrimary(ResourceRow resource) =>
        resource.SimulatedOpen || resource.Volumes.Exists(volume => volume.Device is { } device && _open.Mode(device) == OpenMode.Write);

    private string Role(ResourceRow resource) => IsPrimary(resource) ? "Primary" : "Secondary";

    private static string Disk(ResourceRow resource) => resource.Diskless ? "Diskless" : "UpToDate";

    private bool Connected(ResourceRow peer) => _state.Node(peer.Node) is { Online: true };

    private IEnumerable<ResourceRow> Peers(DefinitionRow definition, ResourceRow own) =>
        definition.Resources.Where(other => other != own && !(other.Diskless && own.Diskless) && !other.Deleting);

    private bool HasQuorum(DefinitionRow definition, ResourceRow own)
    {
        var voters = definition.Resources.Where(static resource => !resource.Deleting && !resource.Flags.Contains("CLIENT")).ToList();
        var reached = voters.Count(voter => voter == own || Connected(voter));
        return voters.Count < 3 || reached * 2 > voters.Count;
    }

    private bool HasData(DefinitionRow definition, ResourceRow own) => !own.Diskless || Peers(definition, own).Any(peer => !peer.Diskless && Connected(peer));

    private bool MayPromote(DefinitionRow definition, ResourceRow own) => !IsPrimary(own) && HasQuorum(definition, own) && HasData(definition, own)
        && Peers(definition, own).All(peer => !IsPrimary(peer) || TwoPrimaries(definition, own.Node, peer.Node));

    private int Score(DefinitionRow definition, ResourceRow own) =>
        !HasQuorum(definition, own) || !HasData(definition, own) ? 0 : (own.Diskless ? 0 : 10100) + 1 + Peers(definition, own).Count(Connected);

    private bool TwoPrimaries(DefinitionRow definition, string a, string b) => Net(definition, a, b, "allow-two-primaries") == "yes";

    private string? Net(DefinitionRow definition, string a, string b, string option)
    {
        var key = "DrbdOptions/Net/" + option;
        return definition.Connection(a, b)?.Props.GetValueOrDefault(key) ?? definition.Props.GetValueOrDefault(key)
            ?? _state.Group(definition.Group)?.Props.GetValueOrDefault(key) ?? _state.Props.GetValueOrDefault(key);
    }

    private void Status(List<DefinitionRow> definitions, TextWriter output)
    {
        if (definitions.Count == 0)
        {
            output.WriteLine("# No currently configured DRBD found.");
        }

        foreach (var definition in definitions)
        {
            var own = definition.Resource(_node)!;
            output.WriteLine($"{definition.Name} role:{Role(own)}");
            output.WriteLine($"  disk:{Disk(own)} open:{YesNo(IsPrimary(own))}");
            foreach (var peer in Peers(definition, own))
            {
                output.WriteLine(Connected(peer) ? $"  {peer.Node} role:{Role(peer)}" : $"  {peer.Node} connection:Connecting");
                if (Connected(peer))
                {
                    output.WriteLine($"    peer-disk:{Disk(peer)}");
                }
            }

            output.WriteLine();
        }
    }

    private void Events(List<DefinitionRow> definitions, TextWriter output)
    {
        foreach (var definition in definitions)
        {
            var own = definition.Resource(_node)!;
            var name = definition.Name;
            output.WriteLine(
                $"exists resource name:{name} role:{Role(own)} suspended:no force-io-failures:no may_promote:{YesNo(MayPromote(definition, own))} promotion_score:{Score(definition, own)}");
            foreach (var peer in Peers(definition, own))
            {
                output.WriteLine($"exists connection name:{name} peer-node-id:{peer.NodeId} conn-name:{peer.Node} connection:{(Connected(peer) ? "Connected" : "Connecting")} role:{(Connected(peer) ? Role(peer) : "Unknown")}");
            }

            foreach (var volume in definition.Volumes)
            {
                output.WriteLine(
                    $"exists device name:{name} volume:{volume.Number} minor:{volume.Minor} backing_dev:{(own.Diskless ? "none" : own.Volume(volume.Number)?.Device)} disk:{Disk(own)}"
                    + $" client:{YesNo(own.Diskless)} quorum:{YesNo(HasQuorum(definition, own))} open:{YesNo(IsPrimary(own))}");
                foreach (var peer in Peers(definition, own))
                {
                    output.WriteLine(
                        $"exists peer-device name:{name} peer-node-id:{peer.NodeId} conn-name:{peer.Node} volume:{volume.Number} replication:{(Connected(peer) ? "Established" : "Off")}"
                        + $" peer-disk:{(Connected(peer) ? Disk(peer) : "DUnknown")} peer-client:{YesNo(peer.Diskless)} resync-suspended:no");
                }
            }
        }

        output.WriteLine("exists -");
    }

    private void Show(List<DefinitionRow> definitions, TextWriter output)
    {
        foreach (var definition in definitions)
        {
            var own = definition.Resource(_node)!;
            output.WriteLine($"resource \"{definition.Name}\" {{");
            output.WriteLine($"    _this_host {{\n        node-id\t\t\t{own.NodeId};");
            foreach (var volume in definition.Volumes)
            {
                output.WriteLine($"        volume {volume.Number} {{\n            device\t\t\tminor {volume.Minor};\n            disk\t\t\t\"{(own.Diskless ? "none" : own.Volume(volume.Number)?.Device)}\";\n        }}");
            }

            output.WriteLine("    }");
            foreach (var peer in Peers(definition, own))
            {
                output.WriteLine($"    connection {{\n        _peer_node_id {peer.NodeId};\n        net {{\n            _name               \t\"{peer.Node}\";");
                output.WriteLine($"            protocol            \t{Net(definition, own.Node, peer.Node, "protocol") ?? "C"};");
                if (TwoPrimaries(definition, own.Node, peer.Node))
                {
                    output.WriteLine("            allow-two-primaries \tyes;");
                }

                output.WriteLine("        }\n    }");
            }

            output.WriteLine("}\n");
        }
    }

    private string Json(List<DefinitionRow> definitions, Action<Utf8JsonWriter, DefinitionRow, ResourceRow> write)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var definition in definitions)
            {
                writer.WriteStartObject();
                write(writer, definition, definition.Resource(_node)!);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(memory.ToArray());
    }

    private void WriteStatus(Utf8JsonWriter writer, DefinitionRow definition, ResourceRow own)
    {
        writer.WriteString("name", definition.Name);
        writer.WriteNumber("node-id", own.NodeId);
        writer.WriteString("role", Role(own));
        writer.WriteBoolean("suspended", false);
        writer.WriteBoolean("suspended-user", false);
        writer.WriteBoolean("suspended-no-data", false);
        writer.WriteBoolean("suspended-fencing", false);
        writer.WriteBoolean("suspended-quorum", false);
        writer.WriteBoolean("force-io-failures", false);
        writer.WriteString("write-ordering", "flush");
        writer.WriteStartArray("devices");
        foreach (var volume in definition.Volumes)
        {
            writer.WriteStartObject();
            writer.WriteNumber("volume", volume.Number);
            writer.WriteNumber("minor", volume.Minor ?? 0);
            writer.WriteString("disk-state", Disk(own));
            writer.WriteBoolean("client", own.Diskless);
            writer.WriteBoolean("open", IsPrimary(own));
            writer.WriteString("backing_dev", own.Diskless ? "none" : own.Volume(volume.Number)?.Device);
            writer.WriteBoolean("quorum", HasQuorum(definition, own));
            writer.WriteNumber("size", volume.SizeKib);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("connections");
        foreach (var peer in Peers(definition, own))
        {
            var connected = Connected(peer);
            writer.WriteStartObject();
            writer.WriteNumber("peer-node-id", peer.NodeId);
            writer.WriteString("name", peer.Node);
            writer.WriteString("connection-state", connected ? "Connected" : "Connecting");
            writer.WriteBoolean("congested", false);
            writer.WriteString("peer-role", connected ? Role(peer) : "Unknown");
            writer.WriteBoolean("tls", false);
            writer.WriteStartArray("peer_devices");
            foreach (var volume in definition.Volumes)
            {
                writer.WriteStartObject();
                writer.WriteNumber("volume", volume.Number);
                writer.WriteString("replication-state", connected ? "Established" : "Off");
                writer.WriteString("peer-disk-state", connected ? Disk(peer) : "DUnknown");
                writer.WriteBoolean("peer-client", peer.Diskless);
                writer.WriteString("resync-suspended", "no");
                writer.WriteNumber("out-of-sync", 0);
                writer.WriteNumber("percent-in-sync", 100);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteShow(Utf8JsonWriter writer, DefinitionRow definition, ResourceRow own)
    {
        writer.WriteString("resource", definition.Name);
        writer.WriteStartObject("_this_host");
        writer.WriteNumber("node-id", own.NodeId);
        writer.WriteStartArray("volumes");
        foreach (var volume in definition.Volumes)
        {
            writer.WriteStartObject();
            writer.WriteNumber("volume_nr", volume.Number);
            writer.WriteNumber("device_minor", volume.Minor ?? 0);
            writer.WriteString("backing-disk", own.Diskless ? "none" : own.Volume(volume.Number)?.Device);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteStartArray("connections");
        foreach (var peer in Peers(definition, own))
        {
            writer.WriteStartObject();
            writer.WriteNumber("_peer_node_id", peer.NodeId);
            writer.WriteStartObject("net");
            writer.WriteString("_name", peer.Node);
            writer.WriteString("protocol", Net(definition, own.Node, peer.Node, "protocol") ?? "C");
            if (TwoPrimaries(definition, own.Node, peer.Node))
            {
                writer.WriteBoolean("allow-two-primaries", true);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string YesNo(bool value) => value ? "yes" : "no";
}
