using Holdfast.CommandLine;
using Holdfast.Server.Startup;
using Microsoft.AspNetCore.Connections;

return await ProgramCommand.InvokeAsync(ServerCommandLine.Create(RunAsync), args, ServerCommandLine.Wrong);

static async Task<int> RunAsync(ServerOptions options)
{
    try
    {
        await using var host = ServerHost.Build(options);
        await host.StartAsync(CancellationToken.None);
        await host.TellReadyAsync();
        await host.WaitForShutdownAsync();
        return 0;
    }
    catch (Exception refused) when (refused is StartRefusedException or IOException { InnerException: AddressInUseException })
    {
        // A taken port is told by Kestrel with the address.
        await Console.Error.WriteLineAsync($"holdfast-server: {refused.Message}");
        return 1;
    }
}
