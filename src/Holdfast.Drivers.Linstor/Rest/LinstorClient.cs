using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Drivers.Linstor.Rest.Model;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// The requests this driver makes of LINSTOR, and no others. Reads use only what the controller answers from its own memory; lists are asked by exact
/// name, and the answer is filtered again here. Sizes are KiB. Safe for concurrent use.
/// </summary>
internal sealed class LinstorClient(Controllers controllers)
{
    private const int PageSize = 500;

    private static readonly byte[] Empty = JsonSerializer.SerializeToUtf8Bytes(new EmptyBody(), LinstorJson.Default.EmptyBody);

    /// <summary>The controllers behind it.</summary>
    public Controllers Controllers => controllers;

    public async Task<RestReply<RestVersion>> VersionAsync(CallDeadline deadline) => await controllers.FindAsync(deadline) switch
    {
        RestReply<ActiveController>.Ok(var active) => active.Version,
        RestReply<ActiveController>.Failed(var problem) => problem,
        _ => throw new InvalidOperationException("closed hierarchy"),
    };

    /// <summary>What tells the cluster from all others.</summary>
    public Task<RestReply<ClusterProperties>> ClusterPropertiesAsync(CallDeadline deadline) => ReadAsync(
        new RestRequest("GET controller/properties", HttpMethod.Get, "v1/controller/properties"), LinstorJson.Default.ClusterProperties, deadline);

    public async Task<RestReply<Node?>> NodeAsync(string name, CallDeadline deadline) =>
        One(await NodesAsync([name], deadline), node => Same(node.Name, name));

    public Task<RestReply<List<Node>>> NodesAsync(IEnumerable<string> names, CallDeadline deadline)
    {
        var query = string.Join('&', names.Select(static name => $"nodes={Uri.EscapeDataString(name)}"));
        return ReadAsync(new RestRequest("GET nodes", HttpMethod.Get, $"v1/nodes?{query}"), LinstorJson.Default.ListNode, deadline);
    }

    /// <summary>All nodes.</summary>
    public Task<RestReply<List<Node>>> AllNodesAsync(CallDeadline deadline) =>
        ReadAsync(new RestRequest("GET nodes", HttpMethod.Get, "v1/nodes") { MaxAnswer = RestRequest.LargeAnswer }, LinstorJson.Default.ListNode, deadline);

    public Task<RestReply<List<StoragePool>>> StoragePoolsAsync(CallDeadline deadline) => ReadAsync(
        new RestRequest("GET view/storage-pools", HttpMethod.Get, "v1/view/storage-pools?cached=true") { MaxAnswer = RestRequest.LargeAnswer },
        LinstorJson.Default.ListStoragePool,
        deadline);

    /// <summary>One storage pool on one node, or null.</summary>
    public async Task<RestReply<StoragePool?>> StoragePoolAsync(string node, string pool, CallDeadline deadline) => One(
        await ReadAsync(
            new RestRequest(
                "GET view/storage-pools",
                HttpMethod.Get,
                $"v1/view/storage-pools?cached=true&nodes={Uri.EscapeDataString(node)}&storage_pools={Uri.EscapeDataString(pool)}"),
            LinstorJson.Default.ListStoragePool,
            deadline),
        found => Same(found.NodeName, node) && Same(found.StoragePoolName, pool));

    public async Task<RestReply<ResourceGroup?>> GroupAsync(string name, CallDeadline deadline) => One(
        await ReadAsync(
            new RestRequest("GET resource-groups", HttpMethod.Get, $"v1/resource-groups?resource_groups={Uri.EscapeDataString(name)}"),
            LinstorJson.Default.ListResourceGroup,
            deadline),
        group => Same(group.Name, name));

    /// <summary>All resource groups.</summary>
    public Task<RestReply<List<ResourceGroup>>> GroupsAsync(CallDeadline deadline) => ReadAsync(
        new RestRequest("GET resource-groups", HttpMethod.Get, "v1/resource-groups") { MaxAnswer = RestRequest.LargeAnswer }, LinstorJson.Default.ListResourceGroup, deadline);

    /// <summary>A resource definition with its volume definitions, or null. The answer is "gone" only here: an unknown name is an empty list, not an error.</summary>
    public async Task<RestReply<ResourceDefinition?>> DefinitionAsync(string name, CallDeadline deadline) => One(
        await ReadAsync(
            new RestRequest(
                "GET resource-definitions",
                HttpMethod.Get,
                $"v1/resource-definitions?resource_definitions={Uri.EscapeDataString(name)}&with_volume_definitions=true"),
            LinstorJson.Default.ListResourceDefinition,
            deadline),
        definition => Same(definition.Name, name));

    /// <summary>Resource definitions that carry a property, page by page.</summary>
    public async Task<RestReply<List<ResourceDefinition>>> DefinitionsAsync(string propertyKey, string propertyValue, CallDeadline deadline)
    {
        var seen = new Dictionary<string, ResourceDefinition>(StringComparer.OrdinalIgnoreCase);
        var filter = Uri.EscapeDataString($"{propertyKey}={propertyValue}");
        for (var offset = 0; ; offset += PageSize)
        {
            var page = await ReadAsync(
                new RestRequest(
                    "GET resource-definitions",
                    HttpMethod.Get,
                    $"v1/resource-definitions?props={filter}&with_volume_definitions=true&limit={PageSize}&offset={offset}")
                {
                    MaxAnswer = RestRequest.LargeAnswer,
                },
                LinstorJson.Default.ListResourceDefinition,
                deadline);
            if (page is not RestReply<List<ResourceDefinition>>.Ok(var definitions))
            {
                return page;
            }

            var known = seen.Count;
            foreach (var definition in definitions)
            {
                if (definition.Name is { } name)
                {
                    seen[name] = definition;
                }
            }

            // A short page is the last; a page of nothing new means that the other side ignores the limit.
            if (definitions.Count < PageSize || seen.Count == known)
            {
                return seen.Values.Where(definition => definition.Property(propertyKey) == propertyValue).ToList();
            }
        }
    }

    /// <summary>The resources of a definition, with their devices as far as the controller was told: it asks no satellite.</summary>
    public async Task<RestReply<List<Resource>>> ResourcesAsync(string name, CallDeadline deadline) =>
        await ReadAsync(
            new RestRequest("GET resources", HttpMethod.Get, $"v1/resource-definitions/{Uri.EscapeDataString(name)}/resources"),
            LinstorJson.Default.ListResource,
            deadline) switch
        {
            RestReply<List<Resource>>.Ok(var all) => all.Where(resource => Same(resource.Name, name)).ToList(),
            var failed => failed,
        };

    public async Task<RestReply<List<Snapshot>>> SnapshotsAsync(string name, CallDeadline deadline) =>
        await ReadAsync(
            new RestRequest("GET view/snapshots", HttpMethod.Get, $"v1/view/snapshots?resources={Uri.EscapeDataString(name)}"),
            LinstorJson.Default.ListSnapshot,
            deadline) switch
        {
            RestReply<List<Snapshot>>.Ok(var all) => all.Where(snapshot => Same(snapshot.ResourceName, name)).ToList(),
            var failed => failed,
        };

    public Task<RestReply<List<ResourceConnection>>> ConnectionsAsync(string name, CallDeadline deadline) => ReadAsync(
        new RestRequest("GET resource-connections", HttpMethod.Get, $"v1/resource-definitions/{Uri.EscapeDataString(name)}/resource-connections"),
        LinstorJson.Default.ListResourceConnection,
        deadline);

    public Task<RestReply<ChangeReply>> SpawnAsync(string group, SpawnRequest spawn, CallDeadline deadline) => ChangeAsync(
        "POST spawn",
        HttpMethod.Post,
        $"v1/resource-groups/{Uri.EscapeDataString(group)}/spawn",
        JsonSerializer.SerializeToUtf8Bytes(spawn, LinstorJson.Default.SpawnRequest),
        deadline);

    public Task<RestReply<ChangeReply>> CreateDefinitionAsync(ResourceDefinitionBody definition, CallDeadline deadline) => ChangeAsync(
        "POST resource-definitions",
        HttpMethod.Post,
        "v1/resource-definitions",
        JsonSerializer.SerializeToUtf8Bytes(new ResourceDefinitionCreate(definition), LinstorJson.Default.ResourceDefinitionCreate),
        deadline);

    public Task<RestReply<ChangeReply>> CreateVolumeAsync(string name, long sizeKib, CallDeadline deadline) => ChangeAsync(
        "POST volume-definitions",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/volume-definitions",
        JsonSerializer.SerializeToUtf8Bytes(
            new VolumeDefinitionCreate(new VolumeDefinitionBody(0, sizeKib)),
            LinstorJson.Default.VolumeDefinitionCreate),
        deadline);

    /// <summary>Places resources until the filter is met; null: until the group's own is.</summary>
    public Task<RestReply<ChangeReply>> AutoPlaceAsync(string name, PlaceFilter? filter, CallDeadline deadline) => ChangeAsync(
        "POST autoplace",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/autoplace",
        filter is null ? Empty : JsonSerializer.SerializeToUtf8Bytes(new AutoPlace(filter), LinstorJson.Default.AutoPlace),
        deadline);

    public Task<RestReply<ChangeReply>> ModifyDefinitionAsync(string name, PropertyChange change, CallDeadline deadline) => ChangeAsync(
        "PUT resource-definition",
        HttpMethod.Put,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}",
        JsonSerializer.SerializeToUtf8Bytes(change, LinstorJson.Default.PropertyChange),
        deadline);

    public Task<RestReply<ChangeReply>> ResizeAsync(string name, long sizeKib, CallDeadline deadline) => ChangeAsync(
        "PUT volume-definition",
        HttpMethod.Put,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/volume-definitions/0",
        JsonSerializer.SerializeToUtf8Bytes(new VolumeDefinitionModify(sizeKib), LinstorJson.Default.VolumeDefinitionModify),
        deadline);

    public Task<RestReply<ChangeReply>> DeleteDefinitionAsync(string name, CallDeadline deadline) => ChangeAsync(
        "DELETE resource-definition",
        HttpMethod.Delete,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}",
        null,
        deadline);

    public Task<RestReply<ChangeReply>> MakeAvailableAsync(string name, string node, CallDeadline deadline) => ChangeAsync(
        "POST make-available",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/resources/{Uri.EscapeDataString(node)}/make-available",
        JsonSerializer.SerializeToUtf8Bytes(new MakeAvailable(false), LinstorJson.Default.MakeAvailable),
        deadline);

    public Task<RestReply<ChangeReply>> DeleteResourceAsync(string name, string node, bool keepTieBreaker, CallDeadline deadline) => ChangeAsync(
        "DELETE resource",
        HttpMethod.Delete,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/resources/{Uri.EscapeDataString(node)}{(keepTieBreaker ? "?keep_tiebreaker=true" : string.Empty)}",
        null,
        deadline);

    public Task<RestReply<ChangeReply>> ModifyConnectionAsync(string name, string nodeA, string nodeB, PropertyChange change, CallDeadline deadline) =>
        ChangeAsync(
            "PUT resource-connection",
            HttpMethod.Put,
            $"v1/resource-definitions/{Uri.EscapeDataString(name)}/resource-connections/{Uri.EscapeDataString(nodeA)}/{Uri.EscapeDataString(nodeB)}",
            JsonSerializer.SerializeToUtf8Bytes(change, LinstorJson.Default.PropertyChange),
            deadline);

    public Task<RestReply<ChangeReply>> CreateSnapshotAsync(string name, string snapshot, CallDeadline deadline) => ChangeAsync(
        "POST snapshots",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/snapshots",
        JsonSerializer.SerializeToUtf8Bytes(new SnapshotCreate(snapshot), LinstorJson.Default.SnapshotCreate),
        deadline);

    public Task<RestReply<ChangeReply>> DeleteSnapshotAsync(string name, string snapshot, CallDeadline deadline) => ChangeAsync(
        "DELETE snapshot",
        HttpMethod.Delete,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/snapshots/{Uri.EscapeDataString(snapshot)}",
        null,
        deadline);

    public Task<RestReply<ChangeReply>> RollbackAsync(string name, string snapshot, CallDeadline deadline) => ChangeAsync(
        "POST snapshot-rollback",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/snapshot-rollback/{Uri.EscapeDataString(snapshot)}",
        Empty,
        deadline);

    public Task<RestReply<ChangeReply>> RestoreVolumesAsync(string name, string snapshot, string target, CallDeadline deadline) => ChangeAsync(
        "POST snapshot-restore-volume-definition",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/snapshot-restore-volume-definition/{Uri.EscapeDataString(snapshot)}",
        JsonSerializer.SerializeToUtf8Bytes(new SnapshotRestore(target), LinstorJson.Default.SnapshotRestore),
        deadline);

    public Task<RestReply<ChangeReply>> RestoreResourcesAsync(string name, string snapshot, string target, CallDeadline deadline) => ChangeAsync(
        "POST snapshot-restore-resource",
        HttpMethod.Post,
        $"v1/resource-definitions/{Uri.EscapeDataString(name)}/snapshot-restore-resource/{Uri.EscapeDataString(snapshot)}",
        JsonSerializer.SerializeToUtf8Bytes(new SnapshotRestore(target), LinstorJson.Default.SnapshotRestore),
        deadline);

    /// <summary>Begins a clone. LINSTOR may never answer this one: its budget is short, and the status tells.</summary>
    public async Task<RestReply<CloneStarted>> CloneAsync(string source, CloneRequest clone, CallDeadline deadline)
    {
        var request = new RestRequest(
            "POST clone",
            HttpMethod.Post,
            $"v1/resource-definitions/{Uri.EscapeDataString(source)}/clone",
            JsonSerializer.SerializeToUtf8Bytes(clone, LinstorJson.Default.CloneRequest))
        {
            Budget = TimeSpan.FromSeconds(30),
        };
        return await ReadAsync(request, LinstorJson.Default.CloneStarted, deadline);
    }

    public Task<RestReply<CloneStatus>> CloneStatusAsync(string source, string clone, CallDeadline deadline) => ReadAsync(
        new RestRequest(
            "GET clone",
            HttpMethod.Get,
            $"v1/resource-definitions/{Uri.EscapeDataString(source)}/clone/{Uri.EscapeDataString(clone)}"),
        LinstorJson.Default.CloneStatus,
        deadline);

    private static RestReply<T?> One<T>(RestReply<List<T>> reply, Func<T, bool> wanted)
        where T : class => reply switch
        {
            RestReply<List<T>>.Ok(var all) => new RestReply<T?>.Ok(all.FirstOrDefault(wanted)),
            RestReply<List<T>>.Failed(var problem) => problem,
            _ => throw new InvalidOperationException("closed hierarchy"),
        };

    // LINSTOR's names are case-insensitive and echo the spelling of their creation.
    private static bool Same(string? left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private async Task<RestReply<ChangeReply>> ChangeAsync(string name, HttpMethod method, string path, byte[]? body, CallDeadline deadline)
    {
        var request = new RestRequest(name, method, path, body);
        return await ReadAsync(request, LinstorJson.Default.ListApiCallRc, deadline) switch
        {
            RestReply<List<ApiCallRc>>.Ok(var entries) => new ChangeReply(entries),
            RestReply<List<ApiCallRc>>.Failed(var problem) => problem,
            _ => throw new InvalidOperationException("closed hierarchy"),
        };
    }

    private async Task<RestReply<T>> ReadAsync<T>(RestRequest request, JsonTypeInfo<T> type, CallDeadline deadline)
        where T : class
    {
        var reply = await controllers.SendAsync(request, deadline);
        if (reply is RestReply<(ControllerAddress Controller, ReadOnlyMemory<byte> Body)>.Failed(var problem))
        {
            return problem;
        }

        var (controller, body) = ((RestReply<(ControllerAddress Controller, ReadOnlyMemory<byte> Body)>.Ok)reply).Value;
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) switch
            {
                null => Interpretation.Garbage(request, controller, body.Span, "it is null"),
                IList list when list.Contains(null) => Interpretation.Garbage(request, controller, body.Span, "it lists nulls"),
                var value => value,
            };
        }
        catch (JsonException garbage)
        {
            return Interpretation.Garbage(
                request,
                controller,
                body.Span,
                string.Create(CultureInfo.InvariantCulture, $"at line {garbage.LineNumber}, byte {garbage.BytePositionInLine}"));
        }
    }
}
