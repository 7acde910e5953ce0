using System.CommandLine;
using System.Runtime.InteropServices;
using Holdfast.Cli.CloudStack;
using Holdfast.CommandLine;

namespace Holdfast.Cli.Up;

/// <summary><c>holdfast up</c>: server and agent on this machine until Ctrl-C; <c>--destroy</c> removes all that it made.</summary>
internal static class UpCommand
{
    private const string PortNumber = "a number from 1 to 65535";

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        var data = ValueOption.Path("--data", "DIR", "Folder that holds all of it");
        data.DefaultValueFactory = _ => Path.GetFullPath(".holdfast");
        var port = ValueOption.Of<int>("--port", "N", "Port of the API on 127.0.0.1; default: the one it was started with before, else 8080", PortNumber, StackPorts.Parse);
        var gateway = ValueOption.Of<int>("--agent-port", "N", "Port of the agent gateway; default: the one it was started with before, else 8250", PortNumber, StackPorts.Parse);
        var instance = ValueOption.Text(
            "--instance-name", "NAME", "What the names of its libvirt domains end in; two installations on one machine need different ones; default: as it is, VM at first");
        var destroy = new Option<bool>("--destroy") { Description = "Remove all guests, volumes and files that it made" };
        var image = ValueOption.Path("--guest-image", "FILE", "The guest image to offer as a template");
        image.Required = true;
        var command = new Command("up", "Runs Holdfast on this machine until Ctrl-C; guests outlive it") { data, port, gateway, instance, destroy, image };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () =>
            {
                var folder = parsed.GetRequiredValue(data);
                var ports = StackPorts.Choose(folder, parsed.GetValue(port), parsed.GetValue(gateway));
                return new LocalStackOptions
                {
                    Data = folder,
                    ApiPort = ports.Api,
                    GatewayPort = ports.Gateway,
                    InstanceName = parsed.GetValue(instance),
                    GuestImage = parsed.GetRequiredValue(image),
                    Programs = ProgramPaths.FromBuild(AppContext.BaseDirectory),
                };
            },
            parsed.GetRequiredValue(destroy),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Func<LocalStackOptions> read, bool destroy, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Ask);
        try
        {
            var options = read();
            if (destroy)
            {
                return await Demolition.RunAsync(options, Say, TimeProvider.System, stopping.Token);
            }

            await using var stack = await LocalStack.StartAsync(options, Say, TimeProvider.System, stopping.Token);
            Say($"keys for the cs client, and the first password of user admin (docs/security.md tells how to change it): {options.AdminFile}");
            Console.WriteLine($"ready: {options.Endpoint}");
            var ended = await Task.WhenAny(asked.Task, stack.Server.Exited, stack.Agent.Exited);
            if (ended == asked.Task)
            {
                Say("ending the agent with its drivers, and the server; guests go on");
                await stack.EndAsync();
                return 0;
            }

            var child = ended == stack.Server.Exited ? stack.Server : stack.Agent;
            Complain($"the {child.Name} ended by itself with {await child.Exited}; its last lines:\n{string.Join('\n', child.Tail(20))}");
            return 1;
        }
        catch (Exception error) when (error is StackFaultException or ApiFaultException or IOException or UnauthorizedAccessException)
        {
            Complain(error.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            Say("given up");
            return 130;
        }

        void Ask(PosixSignalContext context)
        {
            context.Cancel = true;
            if (!asked.TrySetResult())
            {
                return;
            }

            stopping.Cancel();
        }
    }

    private static void Say(string text) => Console.WriteLine($"up: {text}");

    private static void Complain(string text) => Console.Error.WriteLine($"up: {text}");
}
