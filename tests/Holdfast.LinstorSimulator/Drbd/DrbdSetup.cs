using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>
/// Stands in for <c>drbdsetup</c> on one node, from the state on disk and the devices of this machine alone: <c>status [RESOURCE] [--json]</c>,
/// <c>events2 --now [RESOURCE]</c>, <c>show [RESOURCE] [--json]</c>, <c>secondary [--force] RESOURCE</c>, <c>suspend-io MINOR</c>, <c>resume-io MINOR</c>.
/// </summary>
internal sealed class DrbdSetup
{
    private const int UsageError = 20;
    private const int NoSuchResource = 10;
    private const int StateChangeFailed = 11;
    private readonly ClusterState _state;
    private readonly DrbdKernel _kernel;
    private readonly string _node;
    private readonly OpenDevices _open = OpenDevices.Scan();

    private DrbdSetup(ClusterState state, DrbdKernel kernel, string node)
    {
        _state = state;
        _kernel = kernel;
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

        using var look = StateFolder.Look(folder);
        if (look.Load() is not { } state)
        {
            errors.WriteLine($"drbdsetup: no cluster in {folder}");
            return UsageError;
        }

        var json = theirs.Contains("--json") || theirs.Contains("-j");
        var name = theirs[1..].FirstOrDefault(static argument => !argument.StartsWith('-'));
        var setup = new DrbdSetup(state, new DrbdKernel(look.Path), node);
        if (theirs is ["secondary" or "suspend-io" or "resume-io", ..])
        {
            return name is null ? Complain(errors, $"drbdsetup: {theirs[0]} needs an argument", UsageError)
                : theirs[0] == "secondary" ? setup.Secondary(name, theirs.Contains("--force"), errors)
                : setup.SuspendIo(name, theirs[0] == "suspend-io", errors);
        }

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
                errors.WriteLine($"drbdsetup: the stand-in knows status, events2 --now, show, secondary, suspend-io and resume-io, not '{string.Join(' ', theirs)}'");
                return UsageError;
        }
    }

    private static int Complain(TextWriter errors, string text, int exit)
    {
        errors.WriteLine(text);
        return exit;
    }

    /// <summary>Refused while somebody has the device open, unless forced: then I/O fails, what waits and what comes, until the last one closes it.</summary>
    private int Secondary(string name, bool force, TextWriter errors)
    {
        if (Up().FirstOrDefault(definition => definition.Name == name) is not { } definition)
        {
            return Complain(errors, $"{name}: Failure: (158) Unknown resource", NoSuchResource);
        }

        if (!IsOpen(definition.Resource(_node)!))
        {
            return 0;
        }

        if (!force)
        {
            return Complain(errors, $"{name}: State change failed: (-12) Device is held open by someone", StateChangeFailed);
        }

        _kernel.Set(KernelFact.ForceIoFailures, _node, name, true);
        if (_kernel.Has(KernelFact.WritePending, _node, name))
        {
            _kernel.Set(KernelFact.WriteFailed, _node, name, true);
            _kernel.Set(KernelFact.WritePending, _node, name, false);
        }

        return 0;
    }

    /// <summary>By the minor of one volume; the whole resource is meant, on this node alone. Idempotent.</summary>
    private int SuspendIo(string minor, bool suspend, TextWriter errors)
    {
        if (!int.TryParse(minor, out var number) || Up().FirstOrDefault(definition => definition.Volumes.Exists(volume => volume.Minor == number)) is not { } found)
        {
            return Complain(errors, $"{minor}: Failure: (127) Device minor not allocated", NoSuchResource);
        }

        _kernel.Set(KernelFact.SuspendedUser, _node, found.Name, suspend);
        return 0;
    }

    /// <summary>The resources that are up on this node: their devices exist.</summary>
    private IEnumerable<DefinitionRow> Up() => _state.Definitions.Where(definition =>
        definition.Drbd && definition.Resource(_node) is { } resource && resource.Volumes.Count > 0 && resource.Volumes.TrueForAll(volume => IsThere(definition, resource, volume)));

    private bool IsThere(DefinitionRow definition, ResourceRow resource, VolumeRow volume) => volume.Device is not null
        && (_state.Node(resource.Node) is not { DeviceRoot: { } root } || volume.Device.StartsWith("/dev/loop", StringComparison.Ordinal) is false
            || File.Exists(Path.Combine(root, $"drbd{definition.Volume(volume.Number)?.Minor}")));

    private bool IsOpen(ResourceRow resource) =>
        resource.SimulatedOpen || resource.Volumes.Exists(volume => volume.Device is { } device && _open.Mode(device) == OpenMode.Write);

    private bool IsPrimary(DefinitionRow definition, ResourceRow resource) => IsOpen(resource) && !FailsIo(definition, resource);

    /// <summary>Until the last one who had the device open has closed it, which is found out here.</summary>
    private bool FailsIo(DefinitionRow definition, ResourceRow resource)
    {
        if (!_kernel.Has(KernelFact.ForceIoFailures, resource.Node, definition.Name))
        {
            return false;
        }

        if (resource.SimulatedOpen || resource.Volumes.Exists(volume => volume.Device is { } device && _open.Mode(device) != OpenMode.Closed))
        {
            return true;
        }

        _kernel.Set(KernelFact.ForceIoFailures, resource.Node, definition.Name, false);
        _kernel.Set(KernelFact.WriteFailed, resource.Node, definition.Name, false);
        return false;
    }

    private string Role(DefinitionRow definition, ResourceRow resource) => IsPrimary(definition, resource) ? "Primary" : "Secondary";

    private static string Disk(ResourceRow resource) => resource.Diskless ? "Diskless" : "UpToDate";

    private DownConnection? Down(DefinitionRow definition, ResourceRow own, ResourceRow peer) =>
        _kernel.Down(own.Node, definition.Name, peer.Node) ?? (_state.Node(peer.Node) is { Online: true } ? null : DownConnection.Cut);

    private bool Connected(DefinitionRow definition, ResourceRow own, ResourceRow peer) => Down(definition, own, peer) is null;

    /// <summary>A peer that is not seen may have anything, except one that left in order while this node could go on writing.</summary>
    private string PeerDisk(DefinitionRow definition, ResourceRow own, ResourceRow peer) => Down(definition, own, peer) switch
    {
        null => Disk(peer),
        DownConnection.Disconnected when !peer.Diskless && IsPrimary(definition, own) && HasQuorum(definition, own) => "Outdated",
        _ => "DUnknown",
    };

    private bool SuspendedByUser(DefinitionRow definition, ResourceRow own) => _kernel.Has(KernelFact.SuspendedUser, own.Node, definition.Name);

    /// <summary>With <c>on-no-quorum suspend-io</c>, where somebody has the device open; it stays while I/O is made to fail.</summary>
    private bool SuspendedByQuorum(DefinitionRow definition, ResourceRow own) =>
        IsOpen(own) && !HasQuorum(definition, own) && Option(definition, "DrbdOptions/Resource/on-no-quorum") == "suspend-io";

    private string Suspended(DefinitionRow definition, ResourceRow own)
    {
        List<string> reasons = [.. SuspendedByUser(definition, own) ? ["user"] : Array.Empty<string>(), .. SuspendedByQuorum(definition, own) ? ["quorum"] : Array.Empty<string>()];
        return reasons.Count == 0 ? "no" : string.Join(',', reasons);
    }

    private IEnumerable<ResourceRow> Peers(DefinitionRow definition, ResourceRow own) =>
        definition.Resources.Where(other => other != own && !(other.Diskless && own.Diskless) && !other.Deleting);

    private bool HasQuorum(DefinitionRow definition, ResourceRow own)
    {
        if (Option(definition, "DrbdOptions/Resource/quorum") == "off")
        {
            return true;
        }

        var voters = definition.Resources.Where(static resource => !resource.Deleting && !resource.Flags.Contains("CLIENT")).ToList();
        var reached = voters.Count(voter => voter == own || Connected(definition, own, voter));
        return voters.Count < 3 || reached * 2 > voters.Count;
    }

    private bool HasData(DefinitionRow definition, ResourceRow own) => !own.Diskless || Peers(definition, own).Any(peer => !peer.Diskless && Connected(definition, own, peer));

    private bool MayPromote(DefinitionRow definition, ResourceRow own) => !IsOpen(own) && HasQuorum(definition, own) && HasData(definition, own)
        && Peers(definition, own).All(peer => !IsPrimary(definition, peer) || TwoPrimaries(definition, own.Node, peer.Node));

    private int Score(DefinitionRow definition, ResourceRow own) =>
        !HasQuorum(definition, own) || !HasData(definition, own) ? 0 : (own.Diskless ? 0 : 10100) + 1 + Peers(definition, own).Count(peer => Connected(definition, own, peer));

    private bool TwoPrimaries(DefinitionRow definition, string a, string b) => Net(definition, a, b, "allow-two-primaries") == "yes";

    private string? Net(DefinitionRow definition, string a, string b, string option)
    {
        var key = "DrbdOptions/Net/" + option;
        return definition.Connection(a, b)?.Props.GetValueOrDefault(key) ?? Option(definition, key);
    }

    private string? Option(DefinitionRow definition, string key) =>
        definition.Props.GetValueOrDefault(key) ?? _state.Group(definition.Group)?.Props.GetValueOrDefault(key) ?? _state.Props.GetValueOrDefault(key);

    private void Status(List<DefinitionRow> definitions, TextWriter output)
    {
        if (definitions.Count == 0)
        {
            output.WriteLine("# No currently configured DRBD found.");
        }

        foreach (var definition in definitions)
        {
            var own = definition.Resource(_node)!;
            output.WriteLine($"{definition.Name} role:{Role(definition, own)}");
            output.WriteLine($"  disk:{Disk(own)} open:{YesNo(IsOpen(own))}");
            foreach (var peer in Peers(definition, own))
            {
                output.WriteLine(Connected(definition, own, peer) ? $"  {peer.Node} role:{Role(definition, peer)}" : $"  {peer.Node} connection:Connecting");
                if (Connected(definition, own, peer))
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
                $"exists resource name:{name} role:{Role(definition, own)} suspended:{Suspended(definition, own)} force-io-failures:{YesNo(FailsIo(definition, own))} may_promote:{YesNo(MayPromote(definition, own))} promotion_score:{Score(definition, own)}");
            foreach (var peer in Peers(definition, own))
            {
                output.WriteLine($"exists connection name:{name} peer-node-id:{peer.NodeId} conn-name:{peer.Node} connection:{(Connected(definition, own, peer) ? "Connected" : "Connecting")} role:{(Connected(definition, own, peer) ? Role(definition, peer) : "Unknown")}");
            }

            foreach (var volume in definition.Volumes)
            {
                output.WriteLine(
                    $"exists device name:{name} volume:{volume.Number} minor:{volume.Minor} backing_dev:{(own.Diskless ? "none" : own.Volume(volume.Number)?.Device)} disk:{Disk(own)}"
                    + $" client:{YesNo(own.Diskless)} quorum:{YesNo(HasQuorum(definition, own))} open:{YesNo(IsOpen(own))}");
                foreach (var peer in Peers(definition, own))
                {
                    output.WriteLine(
                        $"exists peer-device name:{name} peer-node-id:{peer.NodeId} conn-name:{peer.Node} volume:{volume.Number} replication:{(Connected(definition, own, peer) ? "Established" : "Off")}"
                        + $" peer-disk:{PeerDisk(definition, own, peer)} peer-client:{YesNo(peer.Diskless)} resync-suspended:no");
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
        writer.WriteString("role", Role(definition, own));
        var (user, quorum) = (SuspendedByUser(definition, own), SuspendedByQuorum(definition, own));
        writer.WriteBoolean("suspended", user || quorum);
        writer.WriteBoolean("suspended-user", user);
        writer.WriteBoolean("suspended-no-data", false);
        writer.WriteBoolean("suspended-fencing", false);
        writer.WriteBoolean("suspended-quorum", quorum);
        writer.WriteBoolean("force-io-failures", FailsIo(definition, own));
        writer.WriteString("write-ordering", own.Diskless ? "none" : "flush");
        writer.WriteStartArray("devices");
        foreach (var volume in definition.Volumes)
        {
            writer.WriteStartObject();
            writer.WriteNumber("volume", volume.Number);
            writer.WriteNumber("minor", volume.Minor ?? 0);
            writer.WriteString("disk-state", Disk(own));
            writer.WriteBoolean("client", own.Diskless);
            writer.WriteBoolean("quorum", HasQuorum(definition, own));
            writer.WriteNumber("size", VolumeSizes.Usable(_state, definition, volume));
            Zeros(writer, "read", "written", "al-writes", "bm-writes", "upper-pending", "lower-pending");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("connections");
        foreach (var peer in Peers(definition, own))
        {
            var connected = Connected(definition, own, peer);
            writer.WriteStartObject();
            writer.WriteNumber("peer-node-id", peer.NodeId);
            writer.WriteString("name", peer.Node);
            writer.WriteString("connection-state", connected ? "Connected" : "Connecting");
            writer.WriteBoolean("congested", false);
            writer.WriteString("peer-role", connected ? Role(definition, peer) : "Unknown");
            Zeros(writer, "ap-in-flight", "rs-in-flight");
            writer.WriteStartArray("peer_devices");
            foreach (var volume in definition.Volumes)
            {
                writer.WriteStartObject();
                writer.WriteNumber("volume", volume.Number);
                writer.WriteString("replication-state", connected ? "Established" : "Off");
                writer.WriteString("peer-disk-state", PeerDisk(definition, own, peer));
                writer.WriteBoolean("peer-client", peer.Diskless);
                writer.WriteString("resync-suspended", "no");
                Zeros(writer, "received", "sent", "out-of-sync", "pending", "unacked");
                writer.WriteBoolean("has-sync-details", false);
                writer.WriteBoolean("has-online-verify-details", false);
                writer.WritePropertyName("percent-in-sync");
                writer.WriteRawValue("100.0");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Counters nobody counts here.</summary>
    private static void Zeros(Utf8JsonWriter writer, params IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            writer.WriteNumber(name, 0);
        }
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
