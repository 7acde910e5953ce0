using Holdfast.Agent.Bindings;
using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Worlds.Plants;

/// <summary>A launcher that hands out something else than the driver's own client, or does not end what it should.</summary>
/// <param name="inner">The real one.</param>
internal sealed class FaultyLauncher(IDriverLauncher inner) : IDriverLauncher
{
    private readonly Dictionary<PoolId, IDriverClient> _clients = [];

    /// <summary>What is done beside each release.</summary>
    public Action<IReadOnlyCollection<IDriverClient>, IDriverClient, VolumeId>? BesideRelease { get; init; }

    /// <summary>What is done when a driver tells its health.</summary>
    public Action<IDriverClient, PoolStatus>? BesideStatus { get; init; }

    /// <summary>Whether resumptions are said to be done, and nobody is asked.</summary>
    public bool ForgetsToResume { get; init; }

    /// <summary>What is done before each attach.</summary>
    public Func<IDriverClient, VolumeId, AttachRequest, Task>? BeforeAttach { get; init; }

    /// <summary>Told what a driver is started with.</summary>
    public Action<BindingSpec>? BeforeLaunch { get; init; }

    /// <summary>Whether folders are left where they are.</summary>
    public bool LeavesFolders { get; init; }

    public IReadOnlyList<string> Installed() => inner.Installed();

    public DriverInstallation Installation(string driver) => inner.Installation(driver);

    public DriverBuild? Proven(PoolId pool) => inner.Proven(pool);

    public string? Prove(PoolId pool) => inner.Prove(pool);

    public Task<LaunchOutcome> TryOutAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken) =>
        inner.TryOutAsync(spec, generation, build, handshake, cancellationToken);

    public async Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        BeforeLaunch?.Invoke(spec);
        var outcome = await inner.LaunchAsync(spec, generation, build, handshake, cancellationToken);
        if (outcome is LaunchOutcome.Ready ready)
        {
            _clients[spec.PoolId] = ready.Process.Client;
            return ready with { Process = new Process(ready.Process, this) };
        }

        return outcome;
    }

    public Task<ReapOutcome> ReapAsync(PoolId pool, TimeSpan bound) => inner.ReapAsync(pool, bound);

    public string? RemoveFolders(PoolId pool) => LeavesFolders ? null : inner.RemoveFolders(pool);

    public IReadOnlyList<PoolId> Folders() => inner.Folders();

    private sealed class Process(IDriverProcess process, FaultyLauncher owner) : IDriverProcess
    {
        public int Pid => process.Pid;

        public Task<string> Ended => process.Ended;

        public IDriverClient Client { get; } = new Client(process.Client, owner);

        public void CloseInput() => process.CloseInput();

        public void Terminate() => process.Terminate();

        public void Kill() => process.Kill();

        public void Dispose() => process.Dispose();
    }

    private sealed class Client(IDriverClient client, FaultyLauncher owner) : IDriverClient
    {
        public async Task<DriverAnswer<PoolStatus>> StatusAsync(TimeSpan deadline, CancellationToken cancellationToken)
        {
            var answer = await client.StatusAsync(deadline, cancellationToken);
            if (answer is DriverAnswer<PoolStatus>.Ok ok)
            {
                owner.BesideStatus?.Invoke(client, ok.Value);
            }

            return answer;
        }

        public Task<DriverAnswer<PoolStatus>> ProbeAsync(TimeSpan deadline, CancellationToken cancellationToken) => client.ProbeAsync(deadline, cancellationToken);

        public Task<DriverAnswer<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) => client.EnsureVolumeAsync(volume, request, deadline, cancellationToken);

        public Task<DriverAnswer<VolumeReply>> GetVolumeAsync(VolumeId volume, TimeSpan deadline, CancellationToken cancellationToken) => client.GetVolumeAsync(volume, deadline, cancellationToken);

        public Task<DriverAnswer<VolumeList>> ListVolumesAsync(TimeSpan deadline, CancellationToken cancellationToken) => client.ListVolumesAsync(deadline, cancellationToken);

        public Task<DriverAnswer<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) => client.DeleteVolumeAsync(volume, generation, deadline, cancellationToken);

        public Task<DriverAnswer<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) => client.ResizeVolumeAsync(volume, request, deadline, cancellationToken);

        public Task<DriverAnswer<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) => client.SealVolumeAsync(volume, request, deadline, cancellationToken);

        public async Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken)
        {
            if (owner.BeforeAttach is { } before)
            {
                await before(client, volume, request);
            }

            return await client.AttachAsync(volume, request, deadline, cancellationToken);
        }

        public Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode, Generation generation, TimeSpan deadline, CancellationToken cancellationToken)
        {
            owner.BesideRelease?.Invoke(owner._clients.Values, client, volume);
            return client.ReleaseAsync(volume, mode, generation, deadline, cancellationToken);
        }

        public Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, CutRequest request, TimeSpan deadline, CancellationToken cancellationToken) => client.CutAsync(volume, request, deadline, cancellationToken);

        public Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) => owner.ForgetsToResume
            ? Task.FromResult<DriverAnswer<DriverAck>>(new DriverAnswer<DriverAck>.Ok(new DriverAck(DriverOutcome.Done)))
            : client.ResumeAsync(volume, request, deadline, cancellationToken);

        public Task<DriverAnswer<AttachmentList>> AttachmentsAsync(TimeSpan deadline, CancellationToken cancellationToken) => client.AttachmentsAsync(deadline, cancellationToken);

        public void Dispose() => client.Dispose();
    }
}
