using Holdfast.Agent.Items;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Items;

public sealed class ItemRulesTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);

    [Fact]
    public void Judge_FirstOfItsObject_Accepts() =>
        ItemRules.Judge(null, Samples.Machine(Desired.Running, disks: Disk)).ShouldBeOfType<ItemVerdict.Accept>();

    [Fact]
    public void Judge_NewerGeneration_Accepts() =>
        ItemRules.Judge(Samples.Machine(Desired.Running, 1), Samples.Machine(Desired.Stopped, 2)).ShouldBeOfType<ItemVerdict.Accept>();

    [Fact]
    public void Judge_LateStopAfterANewerStart_IsRefused() =>
        ItemRules.Judge(Samples.Machine(Desired.Running, 3), Samples.Machine(Desired.Stopped, 2)).ShouldBe(new ItemVerdict.Stale(new Generation(3)));

    [Fact]
    public void Judge_SameGenerationOtherDesire_IsRefused() =>
        ItemRules.Judge(Samples.Machine(Desired.Running, 3), Samples.Machine(Desired.Stopped, 3)).ShouldBeOfType<ItemVerdict.Contradiction>();

    [Fact]
    public void Judge_SameGenerationOtherSecret_IsRefused()
    {
        var known = Samples.Binding(Samples.Pool);
        var other = known with { Binding = known.Binding! with { Secrets = new Dictionary<string, Holdfast.Protocol.Secret> { ["token"] = new("another") } } };
        ItemRules.Judge(known, other).ShouldBeOfType<ItemVerdict.Contradiction>();
    }

    [Fact]
    public void Judge_SameContentOtherRevisionAndDeadline_IsADuplicate()
    {
        var known = Samples.Machine(Desired.Running, 3, disks: Disk);
        ItemRules.Judge(known, known with { Revision = 99, ExpiresInMs = 17 }).ShouldBeOfType<ItemVerdict.Duplicate>();
    }

    [Fact]
    public void Judge_OlderThanATombstone_IsRefused() =>
        ItemRules.Judge(Samples.Machine(Desired.Absent, 5), Samples.Machine(Desired.Running, 4)).ShouldBeOfType<ItemVerdict.Stale>();

    [Fact]
    public void Judge_Malformed_IsRefusedWithTheReason()
    {
        HostItem[] wrong =
        [
            Samples.Machine(Desired.Running) with { Generation = Generation.None },
            Samples.Machine(Desired.Running) with { Machine = null },
            Samples.Machine(Desired.Running) with { Id = Samples.Id(7) },
            Samples.Machine(Desired.Attached),
            Samples.Machine(Desired.Running, disks: [Disk, Disk with { DeviceId = 1 }]),
            Samples.Machine(Desired.Running, disks: [Disk, Disk with { VolumeId = Samples.Volume2 }]),
            Samples.Binding(Samples.Pool) with { Binding = null },
            Samples.Binding(Samples.Pool) with { Id = Samples.Id(7) },
            Samples.Binding(Samples.Pool) with { Desired = Desired.Running },
            Samples.Task(Samples.Id(9), null) with { Desired = Desired.Done },
            Samples.Machine(Desired.Running) with { Kind = (ItemKind)77 },
        ];
        foreach (var item in wrong)
        {
            ItemRules.Judge(null, item).ShouldBeOfType<ItemVerdict.Malformed>().Reason.ShouldNotBeEmpty();
        }
    }
}
