using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor;

return await DriverHost.RunAsync(new LinstorDriverFactory(), args);
