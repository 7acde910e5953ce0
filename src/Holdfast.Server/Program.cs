using Holdfast.Server.Startup;

if (ServerOptions.Parse(args, out var error) is not { } options)
{
    await Console.Error.WriteLineAsync(error);
    await Console.Error.WriteLineAsync(ServerOptions.Usage);
    return 2;
}

await using var host = ServerHost.Build(options);
await host.StartAsync(CancellationToken.None);
await Console.Out.WriteLineAsync($"ready: {host.ApiAddress} (agents: {host.GatewayAddress})");
await host.WaitForShutdownAsync();
return 0;
