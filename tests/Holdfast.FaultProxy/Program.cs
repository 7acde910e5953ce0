return await Holdfast.FaultInjection.ProxyCommand.RunAsync(args, Console.In, Console.Out, Console.Error);
