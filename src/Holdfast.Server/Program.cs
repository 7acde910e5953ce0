using Holdfast.CommandLine;
using Holdfast.Server.Startup;
using Microsoft.AspNetCore.Connections;
using Npgsql;

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
    catch (NpgsqlException unusable)
    {
        await Console.Error.WriteLineAsync($"holdfast-server: the database that {options.DatabaseFile} names cannot be used: {unusable.Message}");
        return 1;
    }
}
