using Holdfast.DriverKit;

namespace Holdfast.Drivers.Directory;

/// <summary>Makes the driver of a pool that is a folder on this host.</summary>
internal sealed class DirectoryDriverFactory : IDriverFactory
{
    /// <inheritdoc/>
    public string Name => "directory";

    /// <inheritdoc/>
    public DriverResult<IStorageDriver> Create(DriverContext context) =>
        DirectorySettings.Read(context.Startup).Then<IStorageDriver>(settings => new DirectoryDriver(settings, context));
}
