using Holdfast.DriverKit.Conformance;

return await ConformanceRunner.RunAsync(args);
