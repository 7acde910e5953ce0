using System.CommandLine;
using Holdfast.Cli.Host;
using Holdfast.Cli.Up;
using Holdfast.CommandLine;

var root = new RootCommand("Holdfast: virtual machines that no storage can take hostage") { UpCommand.Create(), HostCommand.Create() };
return await ProgramCommand.InvokeAsync(root, args, wrong: 1);
