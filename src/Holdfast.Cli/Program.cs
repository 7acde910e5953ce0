using System.CommandLine;
using Holdfast.Cli.Host;
using Holdfast.Cli.Up;

var root = new RootCommand("Holdfast: virtual machines that no storage can take hostage") { UpCommand.Create(), HostCommand.Create() };
// Signals are the commands' own business: up ends its programs in order first.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
