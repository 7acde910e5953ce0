using Holdfast.Server.Startup;
using Microsoft.AspNetCore.Connections;

if (args.Any(argument => argument is "--help" or "-h"))
{
    await Console.Out.WriteLineAsync(ServerOptions.Usage);
    return 0;
}

if (ServerOptions.Parse(args, out var error) is not { } options)
{
    await Console.Error.WriteLineAsync(error);
    await Console.Error.WriteLineAsync(ServerOptions.Usage);
    return 2;
}

await using var host = ServerHost.Build(options);
try
{
    await host.StartAsync(CancellationToken.None);
}
catch (Exception refused) when (refused is StartRefusedException or IOException { InnerException: AddressInUseException })
{
    // A taken port is told by Kestrel with the address.
    await Console.Error.WriteLineAsync($"holdfast-server: {refused.Message}");
    return 1;
}

await host.TellReadyAsync();
await host.WaitForShutdownAsync();
return 0;
