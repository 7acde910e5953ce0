using Holdfast.Cli.CloudStack;

namespace Holdfast.Cli.Up;

/// <summary>
/// Removes an installation of this machine: its guests and storage pools by the API, so that backends are cleaned too, then whatever guests are left, then
/// its folder. What could not be cleaned at a backend is named.
/// </summary>
internal static class Demolition
{
    private static readonly TimeSpan JobDeadline = TimeSpan.FromSeconds(60);

    /// <summary>Removes it.</summary>
    /// <param name="options">The installation; it must not be running.</param>
    /// <param name="say">Told one sentence a step.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up; what is left is found by the next try.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(LocalStackOptions options, Action<string> say, TimeProvider time, CancellationToken cancellationToken)
    {
        // One whose first start failed has no file for clients yet, and is there all the same.
        if (!File.Exists(options.AdminFile) && !Directory.Exists(options.ServerFolder))
        {
            if (Directory.Exists(options.Data))
            {
                say($"{options.Data} holds no installation (neither {Path.GetFileName(options.AdminFile)} nor {Path.GetFileName(options.ServerFolder)} is there); left alone");
                return 1;
            }

            say($"nothing to remove: {options.Data} does not exist");
            return 0;
        }

        await using (var stack = await LocalStack.StartAsync(options, say, time, cancellationToken))
        {
            await RemoveGuestsAsync(stack.Api, say, cancellationToken);
            await RemoveVolumesAsync(stack.Api, say, cancellationToken);
            await RemoveTemplatesAsync(stack.Api, say, cancellationToken);
            await RemovePoolsAsync(stack, say, cancellationToken);
            foreach (var state in (string[])["owed", "orphaned"])
            {
                foreach (var left in await stack.Api.ListAsync("listObligations", "obligation", cancellationToken, ("state", state)))
                {
                    say($"not cleaned at its backend, see to it by hand: {left}");
                }
            }
        }

        Directory.Delete(options.Data, recursive: true);
        say($"removed {options.Data}");
        return 0;
    }

    private static async Task RemoveGuestsAsync(ApiClient api, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var machine in await api.ListAsync("listVirtualMachines", "virtualmachine", cancellationToken, ("listall", "true")))
        {
            say($"destroying {machine.Text("name")} ({machine.Text("id")})");
            if (machine.Text("state") is "Running" or "Starting")
            {
                await TryAsync(api, say, "stopVirtualMachine", cancellationToken, ("id", machine.Text("id")), ("forced", "true"));
            }

            await TryAsync(
                api,
                say,
                machine.Text("state") == "Destroyed" ? "expungeVirtualMachine" : "destroyVirtualMachine",
                cancellationToken,
                ("id", machine.Text("id")),
                ("expunge", "true"));
        }
    }

    private static async Task RemoveVolumesAsync(ApiClient api, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var volume in await api.ListAsync("listVolumes", "volume", cancellationToken, ("listall", "true"), ("type", "DATADISK")))
        {
            say($"deleting the volume {volume.Text("name")}");
            await TryAsync(api, say, "deleteVolume", cancellationToken, ("id", volume.Text("id")));
        }
    }

    private static async Task RemoveTemplatesAsync(ApiClient api, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var template in await api.ListAsync("listTemplates", "template", cancellationToken, ("templatefilter", "all"), ("listall", "true")))
        {
            say($"deleting the template {template.Text("name")}");
            await TryAsync(api, say, "deleteTemplate", cancellationToken, ("id", template.Text("id")));
        }
    }

    private static async Task RemovePoolsAsync(LocalStack stack, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var pool in await stack.Api.ListAsync("listStoragePools", "storagepool", cancellationToken))
        {
            say($"removing the storage pool {pool.Text("name")}");
            if (pool.Text("state") != "Maintenance")
            {
                await TryAsync(stack.Api, say, "enableStorageMaintenance", cancellationToken, ("id", pool.Text("id")));
            }

            await TryAsync(stack.Api, say, "deleteStoragePool", cancellationToken, ("id", pool.Text("id")), ("forced", "true"));
        }

        try
        {
            await stack.WaitAsync(
                "the drivers to be gone",
                async () => (await stack.Api.ListAsync("listStoragePoolBindings", "storagepoolbinding", cancellationToken)).Count == 0,
                cancellationToken);
        }
        catch (StackFaultException late)
        {
            say(late.Message);
        }
    }

    private static async Task TryAsync(
        ApiClient api, Action<string> say, string command, CancellationToken cancellationToken, params (string Name, string Value)[] parameters)
    {
        try
        {
            await api.DoAsync(command, JobDeadline, cancellationToken, parameters);
        }
        catch (ApiFaultException fault)
        {
            say(fault.Message);
        }
    }
}
