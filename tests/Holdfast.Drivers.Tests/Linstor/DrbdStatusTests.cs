using Holdfast.Drivers.Linstor.Drbd;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Every state in which a real DRBD 9.2.18 was looked at is read right.</summary>
public sealed class DrbdStatusTests
{
    [Theory]
    //                          state             primary here, peer, waits because, can resume, fails, cut off, why no attach
    [InlineData("connected-secondary", false, null, null, false, false, true, null)]
    [InlineData("diskless-client", false, null, null, false, false, true, null)]
    [InlineData("primary", true, null, null, false, false, false, null)]
    [InlineData("peer-is-primary", false, "n1", null, false, false, true, null)]
    [InlineData("suspended-user", true, null, "it was asked to", true, false, false, "its I/O waits")]
    [InlineData("suspended-user-peer", false, "n1", null, false, false, true, null)]
    [InlineData("standalone-peer", true, null, null, false, false, false, null)]
    [InlineData("reconnected", false, "n1", null, false, false, true, null)]
    [InlineData("reconnected-peer", true, null, null, false, false, false, null)]
    [InlineData("no-quorum-suspended", true, null, "no quorum", false, false, false, "its I/O waits")]
    [InlineData("lost-primary", false, null, null, false, false, true, null)]
    [InlineData("no-quorum-write-pending", true, null, "no quorum", false, false, false, "its I/O waits")]
    [InlineData("after-secondary-force", false, null, null, false, true, true, "cut off")]
    [InlineData("healed", false, null, null, false, true, true, "cut off")]
    public void Recorded_IsReadRight(string state, bool primary, string? peer, string? waiting, bool canResume, bool fails, bool cutOff, string? objection)
    {
        var resource = DrbdSetup.Read(RecordedDrbd.Printed(state)).ShouldBeOfType<DrbdAnswer.Resources>().List.Single();
        resource.Name.ShouldBe($"hf-{RecordedDrbd.Volume}");
        resource.Device.ShouldNotBeNull().Minor.ShouldBe(RecordedDrbd.Minor);
        resource.IsPrimary.ShouldBe(primary);
        resource.PrimaryPeer.ShouldBe(peer);
        Says(resource.Waiting, waiting);
        resource.CanResume.ShouldBe(canResume);
        resource.IsFailing.ShouldBe(fails);
        resource.IsCutOff.ShouldBe(cutOff);
        Says(resource.Objection, objection);
    }

    [Fact]
    public void EveryRecordedState_HasACase() =>
        typeof(DrbdStatusTests).GetMethod(nameof(Recorded_IsReadRight))!.GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>()
            .Select(static one => (string)one.Data[0]!).ShouldBe(RecordedDrbd.States, ignoreOrder: true);

    [Theory]
    [InlineData("suspended-quorum", "no quorum")]
    [InlineData("suspended-no-data", "good data")]
    [InlineData("suspended-fencing", "fenced")]
    public void SuspendedForMoreThanARequest_IsNotResumed(string flag, string says)
    {
        var printed = RecordedDrbd.Printed("suspended-user").Replace($"\"{flag}\":false", $"\"{flag}\":true", StringComparison.Ordinal);
        var resource = DrbdSetup.Read(printed).ShouldBeOfType<DrbdAnswer.Resources>().List.Single();
        resource.CanResume.ShouldBeFalse();
        Says(resource.Waiting, says);
        Says(resource.Waiting, "it was asked to");
    }

    [Fact]
    public void WordsThatNobodyKnows_AreNotUsableAndAreTold()
    {
        var printed = RecordedDrbd.Printed("diskless-client")
            .Replace("\"Diskless\",\"client\"", "\"Petrified\",\"client\"", StringComparison.Ordinal)
            .Replace("\"Connected\"", "\"Entangled\"", StringComparison.Ordinal);
        var resource = DrbdSetup.Read(printed).ShouldBeOfType<DrbdAnswer.Resources>().List.Single();
        Says(resource.Objection, "its disk is Petrified and no peer with good data is connected");
    }

    private static void Says(string? text, string? part)
    {
        if (part is null)
        {
            text.ShouldBeNull();
        }
        else
        {
            text.ShouldNotBeNull().ShouldContain(part);
        }
    }
}
