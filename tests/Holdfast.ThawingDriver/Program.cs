using Holdfast.DriverKit;
using Holdfast.Drivers.Thawing;

return await DriverHost.RunAsync(new ThawingDriverFactory(), args);
