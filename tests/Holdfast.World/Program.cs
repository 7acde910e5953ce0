using Holdfast.Worlds;

return CommandLine.Run(args, Console.Out);
