namespace Holdfast.DriverKit;

/// <summary>Makes the one driver of a process.</summary>
public interface IDriverFactory
{
    /// <summary>Short name (<c>linstor</c>); the executable is <c>holdfast-driver-NAME</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Checks the configuration and makes the driver. Must not touch the backend: a backend that is down is never a reason not to start. A wrong configuration is
    /// <see cref="Holdfast.Protocol.Driver.DriverErrorCode.Invalid"/> with a text that names the setting.
    /// </summary>
    /// <param name="context">What the driver works with.</param>
    /// <returns>The driver, or why not.</returns>
    DriverResult<IStorageDriver> Create(DriverContext context);
}
