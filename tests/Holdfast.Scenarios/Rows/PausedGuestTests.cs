using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A guest that is to run stands still: by hand, and for a disk that has no room.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
public sealed class PausedGuestTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    [Trait("Row", "74")]
    [Trait("Row", "75")]
    public async Task Row74_GuestSuspendedByHandAndThenWithoutRoom_IsShownAsPausedStopsRebootsForRealAndGoesOnByItselfWhenThereIsRoom()
    {
        var stage = await shared.StageAsync();
        await using var pool = await HangingFolder.CreateAsync(stage, "cramped", mebibytes: 4096);
        await stage.AddDiskOfferingAsync(pool.Name, pool.Name, 1);
        var volume = await stage.CreateVolumeAsync(pool.Name);
        var guest = await stage.DeployAsync("paused");
        await guest.ReadyAsync();

        // By hand: shown, and a stop that asks the guest gets an answer.
        await stage.Virsh.RunAsync("suspend", guest.Id);
        output.WriteLine($"suspended by hand, shown after {await ShownAsync(guest, "is paused", "by hand")}");
        output.WriteLine($"stopped in {await guest.StopAsync()}");

        // The image of a new disk is sparse: what the guest writes first needs room.
        Promise.Holds(await guest.TryVolumeAsync("attachVolume", volume) is ApiReply.Answered, "the disk is attached to the stopped VM");
        await pool.FillAsync();
        await guest.DoAsync("startVirtualMachine");
        output.WriteLine($"without room, shown after {await ShownAsync(guest, "is paused", "no room", volume, $"'{pool.Name}' ({pool.Id})")}");
        Promise.Holds(await stage.Virsh.StateAsync(guest.Id) == "paused", "libvirt has it paused");
        Promise.Holds(guest.Console.Counter("vdb") == 0, "the guest was not told that its write failed, nor that it is done");
        var (start, _) = await guest.TryAsync("startVirtualMachine");
        Promise.Holds(start is ApiReply.Refused { Text: var refused } && refused.Contains("already running", StringComparison.Ordinal) && refused.Contains(volume, StringComparison.Ordinal), $"a start says why it does not run on: {start}");
        var told = await EventsAsync(stage, "VM.PAUSED", guest);
        Promise.Holds(told.Count == 2 && told.Any(text => text.Contains(volume, StringComparison.Ordinal) && text.Contains(pool.Name, StringComparison.Ordinal)), $"an event for each time: {string.Join(" | ", told)}");

        pool.Free();
        output.WriteLine($"it goes on by itself {await Wait.UntilAsync("the guest to write to its disk", TimeSpan.FromSeconds(75), () => Task.FromResult(guest.Console.Counter("vdb") > 0))} after there is room");
        output.WriteLine($"shown after {await Wait.UntilAsync("that to be shown", Soon, async () => (await guest.ShowAsync())!.Value.Text("condition").Length == 0)}");
        await guest.ReadyAsync();
        Promise.Holds((await EventsAsync(stage, "VM.RESUMED", guest)).Count == 1, "an event says that it goes on");

        // By hand once more: a reboot that says it is done has restarted the guest.
        await stage.Virsh.RunAsync("suspend", guest.Id);
        await ShownAsync(guest, "is paused", "by hand");
        output.WriteLine($"rebooted in {await guest.RebootAsync()}");
        Promise.Holds(await stage.Virsh.StateAsync(guest.Id) == "running", "libvirt has it running");

        await guest.DestroyAsync();
        await stage.Api.AskAsync("deleteVolume", CancellationToken.None, ("id", volume));
        await Wait.UntilAsync($"all that is owed to {pool.Name} to be settled", DeadStorage.SettlesWithin, async () => (await stage.ObligationsAsync()).All(owed => owed.Text("storageid") != pool.Id));
        await pool.RemoveAsync();
    }

    private static Task<TimeSpan> ShownAsync(Guest guest, params string[] words) => Wait.UntilAsync(
        $"the VM to be shown with {string.Join(", ", words)}", Soon, async () => (await guest.ShowAsync())!.Value is var shown && shown.Text("state") == "Running" && Array.TrueForAll(words, word => shown.Text("condition").Contains(word, StringComparison.Ordinal)));

    private static async Task<IReadOnlyList<string>> EventsAsync(Stage stage, string type, Guest guest) =>
    [
        .. (await stage.Api.ListAsync("listEvents", "event", CancellationToken.None, ("type", type))).Select(told => told.GetRawText()).Where(told => told.Contains(guest.Id, StringComparison.Ordinal)),
    ];
}
