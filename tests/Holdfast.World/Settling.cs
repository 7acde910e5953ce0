using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using LinqToDB.Async;

namespace Holdfast.Worlds;

/// <summary>Compares what the server says, what the ledgers say and what is so. Everything it names is something that should have ended by itself.</summary>
internal sealed class Settling(World world)
{
    public IReadOnlyList<string> Unsettled()
    {
        var found = new List<string>();
        var (vms, volumes, copies, pools, bindings, jobs, tasks, hosts, obligations, incarnations, unclaimed) = world.Node.Read(async db => (
            await db.Vms.Where(v => v.Removed == null).ToListAsync(),
            await db.Volumes.ToListAsync(),
            await db.TemplateCopies.ToListAsync(),
            await db.StoragePools.ToListAsync(),
            await db.Bindings.ToListAsync(),
            await db.Jobs.Where(j => j.State == JobState.Pending).ToListAsync(),
            await db.Tasks.Where(t => t.State == WorkState.Pending || t.State == WorkState.Owed).ToListAsync(),
            await db.Hosts.Where(h => h.Removed == null).ToListAsync(),
            await db.Obligations.ToListAsync(),
            await db.Incarnations.ToListAsync(),
            await db.UnclaimedVolumes.ToListAsync()));
        var active = incarnations.Where(i => i.State == IncarnationState.Active).Select(i => i.Id).ToHashSet();

        // After maintenance began no host calls the backend: what is owed to it waits for the end of the maintenance, and says so.
        var resting = pools.Where(pool => pool.State == PoolState.Maintenance).Select(pool => pool.Id).ToHashSet();
        found.AddRange(jobs.Select(job => $"job {job.Kind} ({job.Description}) is pending"));
        found.AddRange(tasks.Where(task => active.Contains(task.IncarnationId) && !resting.Contains(task.PoolId)).Select(task => $"task {task.Kind} of volume {task.VolumeId} is {task.State}"));
        found.AddRange(hosts.Where(host => host.State != HostState.Up).Select(host => $"host {host.Name} is {host.State}"));
        foreach (var vm in vms)
        {
            var on = world.Hosts.Where(host => host.Hypervisor.Runs(vm.Id)).ToList();
            switch (vm.State)
            {
                case VmState.Starting or VmState.Stopping or VmState.Expunging:
                    found.Add($"VM {vm.Name} is {vm.State}");
                    break;
                case VmState.Running when on.Count != 1 || on[0].Id != vm.HostId:
                    found.Add($"VM {vm.Name} is Running on {vm.HostId}, but its guest runs on {(on.Count == 0 ? "no host" : string.Join(" and ", on.Select(host => host.Name)))}");
                    break;
                case VmState.Running when on[0].Hypervisor.Guests[vm.Id.Value].Domain.Pause is { } pause:
                    found.Add($"VM {vm.Name} is Running, but its guest stands still: {pause.Detail}");
                    break;
                case VmState.Running when vm.Paused is not null:
                    found.Add($"VM {vm.Name} is told as paused, but its guest runs");
                    break;
                case VmState.Running when on[0].Hypervisor.Guests[vm.Id.Value].Domain is var guest && (guest.Cpus, guest.MemoryMiB) != (vm.Cpus, vm.MemoryMib):
                    found.Add($"VM {vm.Name} has {vm.Cpus} CPUs and {vm.MemoryMib} MiB, but its guest has {guest.Cpus} and {guest.MemoryMiB}");
                    break;
                case VmState.Running when (vm.KeptCpus, vm.KeptMemoryMib) == (vm.Cpus, vm.MemoryMib):
                case not VmState.Running when vm.KeptOfferingId is not null:
                    found.Add($"VM {vm.Name} is to have another size at its next start, and has that size already");
                    break;
                case VmState.Stopped or VmState.Destroyed or VmState.Error when on.Count > 0:
                    found.Add($"VM {vm.Name} is {vm.State}, but its guest runs on {string.Join(" and ", on.Select(host => host.Name))}");
                    break;
            }
        }

        foreach (var host in world.Hosts)
        {
            found.AddRange(host.Hypervisor.Guests.Keys.Where(id => vms.TrueForAll(vm => vm.Id.Value != id)).Select(id => $"{host.Name} runs guest {HistoryText.Short(id)}, which the server does not know"));
            found.AddRange(host.Store.Tables.Obligations.Values.Where(row => row.IsOpen && !resting.Contains(row.Pool)).Select(row => $"{host.Name} owes {row.Kind} of {HistoryText.Short(row.Volume.Value)} to '{row.PoolName}': {row.LastError}"));
            foreach (var pool in pools)
            {
                var runs = host.Launcher.Of(pool.Id) is not null;
                if (pool.State == PoolState.Removed && (runs || host.Launcher.Folders().Contains(pool.Id)))
                {
                    found.Add($"pool {pool.Name} is removed, but {host.Name} has {(runs ? "its driver" : "its folders")}");
                }
                else if (pool.State == PoolState.Up && !runs && (pool.HostId ?? host.Id) == host.Id)
                {
                    found.Add($"pool {pool.Name} is up, but {host.Name} has no driver of it");
                }
                else if (pool.State is PoolState.PrepareForMaintenance or PoolState.CancelMaintenance or PoolState.Initialized)
                {
                    found.Add($"pool {pool.Name} is {pool.State}");
                }
            }
        }

        found.AddRange(bindings.Where(binding => binding.Absent is null && binding.Desired == Desired.Absent && active.Contains(binding.IncarnationId))
            .Select(binding => $"the binding of pool {HistoryText.Short(binding.PoolId.Value)} on {binding.HostId} waits for its end"));
        found.AddRange(volumes.Where(volume => volume.PoolId is not { } pool || !resting.Contains(pool)).Where(volume => volume.State is VolumeState.Creating or VolumeState.Resizing or VolumeState.Expunging)
            .Where(volume => volume.Removed is null).Select(volume => $"volume {volume.Name} ({HistoryText.Short(volume.Id.Value)}) is {volume.State}"));
        found.AddRange(copies.Where(copy => !resting.Contains(copy.PoolId)).Where(copy => copy.State is TemplateCopyState.Importing or TemplateCopyState.Deleting)
            .Where(copy => copy.Removed is null).Select(copy => $"template copy {HistoryText.Short(copy.Id.Value)} is {copy.State}"));

        // What is left at backends without anybody knowing of it. Orphans, what was written off, and what is listed as nobody's are known.
        var known = volumes.Where(volume => volume.Removed is null).Select(volume => volume.Id)
            .Concat(copies.Where(copy => copy.Removed is null && copy.State != TemplateCopyState.Gone).Select(copy => copy.Id))
            .Concat(obligations.Where(owed => owed.State is ObligationState.Orphaned or ObligationState.Forgotten).Select(owed => owed.VolumeId))
            .Concat(unclaimed.Where(one => one.VolumeId is not null).Select(one => one.VolumeId!.Value)).ToHashSet();
        var lost = obligations.Where(owed => owed.State is ObligationState.Orphaned or ObligationState.Forgotten).Select(owed => owed.VolumeId).ToHashSet();
        foreach (var backend in world.Backends)
        {
            bool IsOfSomebody(VolumeId volume) => !lost.Contains(volume) && !resting.Contains(backend.Pool);
            found.AddRange(backend.Suspended.Where(one => IsOfSomebody(one.Volume)).Select(one => $"{one.Host}: volume {HistoryText.Short(one.Volume.Value)} of {backend.Name}: {one.Why.Text}"));
            found.AddRange(backend.CutOff.Where(one => IsOfSomebody(one.Volume)).Select(one => $"{one.Host}: volume {HistoryText.Short(one.Volume.Value)} of {backend.Name} is cut off and not released"));
            found.AddRange(backend.Volumes.Keys.Where(id => !known.Contains(id)).Select(id => $"{backend.Name} has volume {HistoryText.Short(id.Value)}, which nobody knows of"));
            foreach (var (hostName, volume, mode, _) in backend.Attached)
            {
                var host = world.Hosts.Single(one => one.Name == hostName);
                if (IsOfSomebody(volume) && !host.Hypervisor.Guests.Values.Any(guest => guest.Disks.Any(disk => disk.Volume == volume)))
                {
                    found.Add($"volume {HistoryText.Short(volume.Value)} is attached to {hostName} for {mode}, and nobody uses it");
                }
            }
        }

        return found;
    }
}
