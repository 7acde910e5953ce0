using Holdfast.DriverKit;
using Holdfast.Drivers.Directory;

return await DriverHost.RunAsync(new DirectoryDriverFactory(), args);
