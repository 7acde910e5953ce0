using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Volumes;

namespace Holdfast.Drivers.Linstor;

/// <summary>Makes the LINSTOR driver. Connects to nobody.</summary>
internal sealed class LinstorDriverFactory : IDriverFactory
{
    private const int RequestsPerSecond = 100;

    /// <inheritdoc/>
    public string Name => "linstor";

    /// <inheritdoc/>
    public DriverResult<IStorageDriver> Create(DriverContext context) => LinstorSettings.Read(context.Startup).Then<IStorageDriver>(settings =>
    {
        var transport = new RestTransport(settings.Trust, settings.Token, settings.TokenOverHttp);
        var controllers = new Controllers(
            settings.Controllers,
            transport,
            new RequestPace(context.Time, RequestsPerSecond),
            context.BackendCalls,
            context.Time,
            context.Loggers.CreateLogger(typeof(Controllers).FullName!));
        var store = new AttachmentStore(context.Startup.StateFolder, context.Loggers.CreateLogger(typeof(AttachmentStore).FullName!));
        var reverts = new VolumeRecords<PendingRevert>(
            Path.Combine(context.Startup.StateFolder, "reverts"),
            AttachmentJson.Default.PendingRevert,
            static revert => revert.Volume,
            context.Loggers.CreateLogger(typeof(PendingRevert).FullName!));
        return new LinstorDriver(context, settings, new LinstorClient(controllers), store, reverts);
    });
}
