using Holdfast.LinstorSimulation;

return await CommandLine.RunAsync(args);
