using Holdfast.Core.States;
using Holdfast.Worlds.Runs;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

/// <summary>An expunge waits for a deletion only while somebody can do it. In virtual time: no figure here depends on how fast the machine is.</summary>
public sealed class UnmadeDiskTests
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(2);

    [Fact]
    public void The_expunge_of_a_vm_whose_disk_was_never_made_waited_for_hosts_of_a_pool_in_maintenance()
    {
        var expunged = UnmadeDisk.InMaintenance(1);

        expunged.Took.ShouldBeLessThan(AtOnce);
        expunged.Volume.ShouldBe(VolumeState.Expunged);
    }

    [Fact]
    public void The_expunge_of_a_vm_waited_for_a_deletion_that_no_host_may_do_while_its_pool_is_in_maintenance()
    {
        var expunged = UnmadeDisk.MadeInMaintenance(2);

        expunged.Took.ShouldBeLessThan(AtOnce);
        expunged.Volume.ShouldBe(VolumeState.Expunging, "it is owed until the maintenance ends");
    }

    [Fact]
    public void The_expunge_of_a_vm_waited_for_a_host_that_is_away_and_was_told_to_make_its_disk()
    {
        var expunged = UnmadeDisk.OnAHostThatIsAway(3);

        expunged.Took.ShouldBeLessThan(AtOnce);
        expunged.Volume.ShouldBe(VolumeState.Expunging, "whether the host has begun is not known");
    }
}
