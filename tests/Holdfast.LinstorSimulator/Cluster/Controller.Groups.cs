using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    public List<ResourceGroup> Groups(IReadOnlyCollection<string> filter)
    {
        lock (_lock)
        {
            return [.. _state.Groups.Where(group => Wanted(filter, group.Name)).OrderBy(static group => group.Name, StringComparer.OrdinalIgnoreCase).Select(View)];
        }
    }

    public Answer CreateGroup(ResourceGroup group)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceGroup, creates: true);
        if (!Names.Valid(group.Name))
        {
            return answer.Fail(ReturnCodes.InvalidResourceName, $"The resource group name '{group.Name}' is invalid.");
        }

        lock (_lock)
        {
            if (_state.Group(group.Name!) is not null)
            {
                return answer.Fail(ReturnCodes.ResourceGroupExists, $"A resource group with the specified name '{group.Name}' already exists.");
            }

            if (PropertyProblem(PropertyOwner.Definition, group.Props, answer))
            {
                return answer;
            }

            _state.Groups.Add(new GroupRow
            {
                Name = group.Name!,
                Uuid = NewUuid(),
                Description = group.Description,
                Props = new Dictionary<string, string>(group.Props ?? []),
                Filter = Normal(group.SelectFilter ?? new AutoSelectFilter()),
                PeerSlots = group.PeerSlots,
            });
            Save();
            return answer.Success(ReturnCodes.Created, $"New resource group '{group.Name}' created.");
        }
    }

    public Answer ModifyGroup(string name, ResourceGroupModify change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.ResourceGroup);
        lock (_lock)
        {
            if (_state.Group(name) is not { } group)
            {
                return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{name}' not found.");
            }

            if (PropertyProblem(PropertyOwner.Definition, change.OverrideProps, answer, change.DeleteProps, change.DeleteNamespaces, group.Props))
            {
                return answer;
            }

            group.Description = change.Description ?? group.Description;
            group.PeerSlots = change.PeerSlots ?? group.PeerSlots;
            group.Filter = change.SelectFilter is null ? group.Filter : Change(group.Filter, Normal(change.SelectFilter));
            ChangeProps(group.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(ReturnCodes.Modified, $"Resource group '{group.Name}' modified.");
            Save();
            return answer;
        }
    }

    public Answer DeleteGroup(string name)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.ResourceGroup);
        lock (_lock)
        {
            if (_state.Group(name) is not { } group)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of resource group '{name}' had no effect.");
            }

            if (Names.Same(name, Names.DefaultGroup))
            {
                return answer.Fail(ReturnCodes.InvalidRequest, "The default resource group cannot be deleted.");
            }

            if (_state.Definitions.Exists(definition => Names.Same(definition.Group, name)))
            {
                return answer.Fail(ReturnCodes.DefinitionExists, $"Resource group '{group.Name}' still has resource definitions.");
            }

            _state.Groups.Remove(group);
            Save();
            return answer.Success(ReturnCodes.Deleted, $"Resource group '{group.Name}' deleted.");
        }
    }

    public List<VolumeGroup>? VolumeGroups(string name)
    {
        lock (_lock)
        {
            return _state.Group(name)?.VolumeGroups
                .Select(static row => new VolumeGroup { VolumeNumber = row.Number, Uuid = row.Uuid, Props = row.Props, Flags = row.Flags }).ToList();
        }
    }

    public Answer CreateVolumeGroup(string name, VolumeGroup volume)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.VolumeGroup, creates: true);
        lock (_lock)
        {
            if (_state.Group(name) is not { } group)
            {
                return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{name}' not found.");
            }

            var number = volume.VolumeNumber ?? group.VolumeGroups.Select(static row => row.Number + 1).DefaultIfEmpty(0).Max();
            if (group.VolumeGroups.Exists(row => row.Number == number))
            {
                return answer.Fail(ReturnCodes.VolumeGroupExists, $"Volume group {number} in resource group '{name}' already exists.");
            }

            group.VolumeGroups.Add(new VolumeGroupRow { Number = number, Uuid = NewUuid(), Props = new Dictionary<string, string>(volume.Props ?? []), Flags = [.. volume.Flags ?? []] });
            Save();
            return answer.Success(ReturnCodes.Created, $"Volume group {number} in resource group '{group.Name}' created.");
        }
    }

    public Answer DeleteVolumeGroup(string name, int number)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.VolumeGroup);
        lock (_lock)
        {
            if (_state.Group(name)?.VolumeGroups.RemoveAll(row => row.Number == number) is not > 0)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of volume group {number} of '{name}' had no effect.");
            }

            Save();
            return answer.Success(ReturnCodes.Deleted, $"Volume group {number} of '{name}' deleted.");
        }
    }

    /// <summary>
    /// Not idempotent, as in LINSTOR. A placement that cannot be made leaves nothing behind; a satellite that fails leaves definition and resources behind.
    /// </summary>
    public async Task<Answer> SpawnAsync(string groupName, ResourceGroupSpawn request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceGroup, creates: true);
        lock (_lock)
        {
            if (_state.Group(groupName) is null)
            {
                return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{groupName}' not found.", correction: "Create the resource group first.");
            }
        }

        // The placer asks every satellite for its free space.
        await WhenAllAnswerAsync([], cancellationToken);

        DefinitionRow definition;
        lock (_lock)
        {
            if (_state.Group(groupName) is not { } group)
            {
                return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{groupName}' not found.");
            }

            var name = request.ResourceDefinitionName ?? request.ResourceDefinitionExternalName;
            if (!Names.Valid(name))
            {
                return answer.Fail(ReturnCodes.InvalidResourceName, $"The resource name '{name}' is invalid.", details: "2 to 48 characters of a-z, A-Z, 0-9, - and _.");
            }

            if (_state.Definition(name!) is { } existing)
            {
                return answer.Fail(ReturnCodes.DefinitionExists, $"A resource definition with the specified name '{existing.Name}' already exists.", cause: "The name is taken.", details: $"Resource definition: {existing.Name}").About("RscDfn", name!);
            }

            var sizes = request.VolumeSizes ?? [];
            var passphrases = request.VolumePassphrases ?? [];
            if (passphrases.Count > 0 && passphrases.Count != sizes.Count)
            {
                return answer.Fail(ReturnCodes.InvalidRequest, $"{passphrases.Count} passphrases for {sizes.Count} volumes.");
            }

            if (sizes.Exists(static size => size is < 4 or > 1L << 40))
            {
                return answer.Fail(ReturnCodes.InvalidVolumeSize, $"The volume size {sizes.Find(static size => size is < 4 or > 1L << 40)} KiB is invalid.");
            }

            var partial = request.Partial ?? false;
            if (group.VolumeGroups.Count == 0)
            {
                partial = true;
                if (request.Partial is not true)
                {
                    answer.Info(ReturnCodes.InfoNoop, $"Resource group '{group.Name}' has no volume groups; the given sizes are used as they are.");
                }
            }

            if (!partial && sizes.Count != group.VolumeGroups.Count)
            {
                return answer.Fail(ReturnCodes.InvalidVolumeSizes, $"{sizes.Count} volume sizes for {group.VolumeGroups.Count} volume groups.", correction: "Give one size per volume group, or 'partial'.");
            }

            answer.About("RscDfn", name!);
            var filter = Merge(group.Filter, request.SelectFilter is null ? null : Normal(request.SelectFilter));
            if (LayerProblem(filter.LayerStack) is { } problem)
            {
                return answer.Fail(ReturnCodes.InvalidLayerStack, problem);
            }

            if (PropertyProblem(PropertyOwner.Definition, request.ResourceDefinitionProps, answer))
            {
                return answer;
            }

            definition = NewDefinition(name!, group, filter.LayerStack, request.PeerSlots ?? group.PeerSlots, request.ResourceDefinitionProps);
            definition.ExternalName = request.ResourceDefinitionExternalName;
            foreach (var (index, size) in sizes.Index())
            {
                var template = index < group.VolumeGroups.Count ? group.VolumeGroups[index] : null;
                definition.Volumes.Add(NewVolumeDefinition(definition, template?.Number ?? index, size, template?.Props));
            }

            var created = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceGroup).Properties([.. definition.Props.Keys], [], ReturnCodes.ResourceDefinition);
            foreach (var volume in definition.Volumes)
            {
                created.Note(
                    ReturnCodes.VolumeDefinition,
                    ReturnCodes.Created,
                    $"Volume definition {volume.Number} of {volume.SizeKib} KiB in resource definition '{definition.Name}' created.",
                    null,
                    null,
                    ("VlmNr", $"{volume.Number}"));
            }

            created.Note(
                ReturnCodes.ResourceDefinition,
                ReturnCodes.Created,
                $"New resource definition '{definition.Name}' created.",
                $"Resource definition '{definition.Name}' UUID is: {definition.Uuid}",
                null,
                ("UUID", definition.Uuid));

            _state.Definitions.Add(definition);
            if (request.DefinitionsOnly ?? false)
            {
                answer.Append(created).Info(ReturnCodes.InfoNoResourceSpawned, "Definitions only: no resources were created.");
            }
            else if (filter.PlaceCount is null)
            {
                answer.Append(created).Info(ReturnCodes.InfoNoResourceSpawned, $"Resource group '{group.Name}' has no place count: no resources were created.");
            }
            else
            {
                var quorum = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceGroup);
                var placed = Place(definition, filter, quorum);
                if (placed is null)
                {
                    _state.Definitions.Remove(definition);
                    return answer.Append(quorum);
                }

                Placed(definition, placed, answer.Append(created));
                answer.Append(quorum);
            }

            Save();
        }

        await DeployAsync(definition.Name, answer, cancellationToken);
        if (definition.Drbd && !answer.HasErrors)
        {
            foreach (var node in NodesOf(definition.Name))
            {
                answer.Success(ReturnCodes.Created, $"Resource '{definition.Name}' on node '{node}' is ready", $"Node: {node}");
                answer.Note(ReturnCodes.Modify | ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{definition.Name}' [DRBD] adjusted.");
            }
        }

        return answer;
    }

    public async Task<QuerySizeInfoResponse?> SizeInfoAsync(string groupName, AutoSelectFilter? filter, bool live, CancellationToken cancellationToken)
    {
        if (live)
        {
            await WhenAllAnswerAsync([], cancellationToken);
        }

        lock (_lock)
        {
            return _state.Group(groupName) is { } group ? SizeInfo(group, filter) : null;
        }
    }

    public async Task<QueryAllSizeInfoResponse> AllSizeInfoAsync(AutoSelectFilter? filter, bool live, CancellationToken cancellationToken)
    {
        if (live)
        {
            await WhenAllAnswerAsync([], cancellationToken);
        }

        lock (_lock)
        {
            return new QueryAllSizeInfoResponse { Result = _state.Groups.ToDictionary(static group => group.Name, group => SizeInfo(group, filter)) };
        }
    }

    public async Task<MaxVolumeSizes> MaxVolumeSizesAsync(string? groupName, AutoSelectFilter? filter, CancellationToken cancellationToken)
    {
        await WhenAllAnswerAsync([], cancellationToken);
        lock (_lock)
        {
            var merged = Merge((groupName is null ? null : _state.Group(groupName))?.Filter ?? new AutoSelectFilter(), filter);
            var count = Math.Max(1, merged.PlaceCount ?? 1);
            var candidates = new List<MaxVolumeSizeCandidate>();
            foreach (var byName in Candidates(merged, null).GroupBy(static pool => pool.Name, StringComparer.OrdinalIgnoreCase))
            {
                var best = byName.OrderByDescending(MaxVolumeKib).Take(count).ToList();
                if (best.Count == count)
                {
                    candidates.Add(new MaxVolumeSizeCandidate
                    {
                        StoragePool = byName.Key,
                        MaxVolumeSizeKib = best.Min(MaxVolumeKib),
                        NodeNames = [.. best.Select(static pool => pool.Node)],
                        AllThin = best.TrueForAll(static pool => pool.Thin),
                    });
                }
            }

            return new MaxVolumeSizes { Candidates = candidates, DefaultMaxOversubscriptionRatio = Oversubscription };
        }
    }

    private QuerySizeInfoResponse SizeInfo(GroupRow group, AutoSelectFilter? filter)
    {
        var merged = Merge(group.Filter, filter);
        var pools = Candidates(merged, null).ToList();
        var count = Math.Max(1, merged.PlaceCount ?? 1);
        var best = pools.OrderByDescending(MaxVolumeKib).Take(count).ToList();
        if (best.Count < count)
        {
            return new QuerySizeInfoResponse
            {
                SpaceInfo = new SpaceInfo { MaxVlmSizeInKib = 0, AvailableSizeInKib = pools.Sum(FreeKib), CapacityInKib = pools.Sum(static pool => pool.CapacityKib), DefaultMaxOversubscriptionRatio = Oversubscription },
                Reports = [new ApiCallRc { RetCode = ReturnCodes.Error | ReturnCodes.NotEnoughNodes, Message = $"Not enough nodes for resource group '{group.Name}': {count} wanted, {best.Count} possible." }],
            };
        }

        return new QuerySizeInfoResponse
        {
            SpaceInfo = new SpaceInfo
            {
                MaxVlmSizeInKib = best.Min(MaxVolumeKib),
                AvailableSizeInKib = pools.Sum(FreeKib) / count,
                CapacityInKib = pools.Sum(static pool => pool.CapacityKib) / count,
                DefaultMaxOversubscriptionRatio = Oversubscription,
                MaxOversubscriptionRatio = Oversubscription,
                MaxFreeCapacityOversubscriptionRatio = Oversubscription,
                MaxTotalCapacityOversubscriptionRatio = Oversubscription,
                NextSpawnResult = [.. best.Select(static pool => new SpawnResult { NodeName = pool.Node, StorPoolName = pool.Name, StorPoolOversubscriptionRatio = Oversubscription })],
            },
        };
    }

    private static ResourceGroup View(GroupRow row) => new()
    {
        Name = row.Name,
        Description = row.Description,
        Props = row.Props,
        SelectFilter = row.Filter,
        Uuid = row.Uuid,
        PeerSlots = row.PeerSlots,
    };
}
