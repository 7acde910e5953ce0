using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Machines;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Machines;

public sealed class PauseRulesTests
{
    private static readonly GuestRules Every60 = new();
    private static readonly GuestRules Never = new() { ResumeSeconds = 0 };
    private static readonly MachineSpec Spec = Samples.Machine(Desired.Running, disks: [Samples.Disk(Samples.Volume, Samples.Pool), Samples.Disk(Samples.Volume2, Samples.OtherPool, 1, poolName: "slow")]).Machine!;

    [Theory]
    [InlineData(PauseReason.ByHand, 60, false)]
    [InlineData(PauseReason.NoSpace, 60, true)]
    [InlineData(PauseReason.IoError, 60, true)]
    [InlineData(PauseReason.Passing, 60, false)]
    [InlineData(PauseReason.Other, 60, false)]
    [InlineData(PauseReason.NoSpace, 0, false)]
    [InlineData(PauseReason.IoError, 0, false)]
    public void Only_what_a_disk_holds_goes_on_by_itself_and_only_when_the_setting_says_so(object reason, int seconds, bool goes) =>
        PauseRules.GoesOnByItself((PauseReason)reason, new GuestRules { ResumeSeconds = seconds }).ShouldBe(goes);

    [Theory]
    [InlineData(0, 60, 5)]
    [InlineData(1, 60, 10)]
    [InlineData(3, 60, 40)]
    [InlineData(4, 60, 60)]
    [InlineData(1_000_000, 60, 60)]
    [InlineData(0, 2, 2)]
    public void Attempts_come_ever_more_seldom_until_the_interval(int tries, int seconds, int wait) =>
        PauseRules.Wait(tries, new GuestRules { ResumeSeconds = seconds }).ShouldBe(TimeSpan.FromSeconds(wait));

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 5)]
    [InlineData(2, 10)]
    [InlineData(9, 15)]
    public void The_more_often_it_was_let_go_on_in_vain_the_longer_it_has_to_run_to_be_believed(int tries, int seconds) =>
        PauseRules.SettleAfter(tries, Every60).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Each_disk_that_holds_it_is_told_with_volume_and_pool()
    {
        var told = PauseRules.Conditions(Spec, new GuestPause(PauseReason.IoError, "a disk failed") { Disks = [new("vda", Samples.Volume, true), new("vdb", Samples.Volume2, false)] }, Every60);
        told.Select(one => (one.Type, one.VolumeId, one.PoolId)).ShouldBe([(ConditionType.Paused, Samples.Volume, Samples.Pool), (ConditionType.Paused, Samples.Volume2, Samples.OtherPool)]);
        told[0].Text.ShouldBe($"Machine 'web' is paused: there is no room for what it writes to volume {Samples.Volume} (vda) on storage pool 'fast' ({Samples.Pool}). It goes on by itself when that works again.");
        told[1].Text.ShouldContain($"I/O failed of volume {Samples.Volume2} (vdb) on storage pool 'slow' ({Samples.OtherPool})");
    }

    [Fact]
    public void What_is_not_known_of_a_disk_is_not_invented()
    {
        PauseRules.Conditions(Spec, new GuestPause(PauseReason.NoSpace, "-") { Disks = [new("vdz", null, true)] }, Every60)
            .Single().ShouldSatisfyAllConditions(one => one.VolumeId.ShouldBeNull(), one => one.PoolId.ShouldBeNull(), one => one.Text.ShouldContain("disk vdz, which Holdfast did not attach"));
        PauseRules.Conditions(Spec with { Disks = [] }, new GuestPause(PauseReason.NoSpace, "-") { Disks = [new("vda", Samples.Volume, true)] }, Every60)
            .Single().Text.ShouldContain("which it is not to have any more");
        PauseRules.Conditions(Spec, new GuestPause(PauseReason.IoError, "a disk failed; which one is not known"), Every60).Single().Text.ShouldContain("which one is not known");
    }

    [Theory]
    [InlineData(PauseReason.ByHand, "whoever suspended it resumes it, or a reboot")]
    [InlineData(PauseReason.Other, "does not go on by itself")]
    [InlineData(PauseReason.NoSpace, "goes on by itself when there is room")]
    public void It_is_said_what_helps(object reason, string words) => Text((PauseReason)reason, Every60).ShouldContain(words);

    [Fact]
    public void That_the_setting_keeps_it_from_going_on_is_said() => Text(PauseReason.NoSpace, Never).ShouldContain("vm.paused.resume.interval");

    private static string Text(PauseReason reason, GuestRules rules) => PauseRules.Conditions(Spec, new GuestPause(reason, "why"), rules).Single().Text;
}
