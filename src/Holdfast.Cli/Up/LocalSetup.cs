using Holdfast.Cli.CloudStack;

namespace Holdfast.Cli.Up;

/// <summary>Sets up, through the API, what a new installation needs for its first VM. What is there already is left as it is.</summary>
internal sealed class LocalSetup
{
    private readonly ApiClient _api;
    private readonly LocalStackOptions _options;
    private readonly Action<string> _say;

    /// <summary>Makes it.</summary>
    /// <param name="api">The API, as the administrator.</param>
    /// <param name="options">The installation.</param>
    /// <param name="say">Told one sentence a step.</param>
    public LocalSetup(ApiClient api, LocalStackOptions options, Action<string> say)
    {
        _api = api;
        _options = options;
        _say = say;
    }

    /// <summary>Waits until something holds.</summary>
    /// <param name="what">What is waited for.</param>
    /// <param name="holds">Asked again and again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When it holds.</returns>
    public delegate Task Wait(string what, Func<Task<bool>> holds, CancellationToken cancellationToken);

    /// <summary>Sets up what is missing and waits until the template is ready.</summary>
    /// <param name="wait">How to wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When the first VM can be deployed.</returns>
    public async Task RunAsync(Wait wait, CancellationToken cancellationToken)
    {
        if (_options.InstanceName is { } name)
        {
            await _api.AskAsync("updateConfiguration", cancellationToken, ("name", "instance.name"), ("value", name));
        }

        var zone = (await _api.ListAsync("listZones", "zone", cancellationToken))[0].Text("id");
        var cluster = (await _api.ListAsync("listClusters", "cluster", cancellationToken))[0];

        if (await MissingAsync("listStoragePools", "storagepool", "local", cancellationToken))
        {
            _say($"creating the directory pool 'local' in {_options.PoolFolder}");
            var host = (await _api.ListAsync("listHosts", "host", cancellationToken, ("type", "Routing"), ("state", "Up")))[0];
            await _api.AskAsync(
                "createStoragePool",
                cancellationToken,
                ("name", "local"),
                ("zoneid", zone),
                ("podid", cluster.Text("podid")),
                ("clusterid", cluster.Text("id")),
                ("hostid", host.Text("id")),
                ("scope", "HOST"),
                ("provider", "DefaultPrimary"),
                ("url", $"file://{_options.PoolFolder}"),
                ("tags", "local"));
        }

        if (await MissingAsync("listServiceOfferings", "serviceoffering", "tiny", cancellationToken))
        {
            _say("creating the service offering 'tiny' (1 CPU, 128 MiB) and the disk offering 'small' (1 GiB)");
            await _api.AskAsync(
                "createServiceOffering",
                cancellationToken,
                ("name", "tiny"),
                ("displaytext", "1 CPU, 128 MiB, disks on local"),
                ("cpunumber", "1"),
                ("cpuspeed", "1000"),
                ("memory", "128"),
                ("tags", "local"));
        }

        if (await MissingAsync("listDiskOfferings", "diskoffering", "small", cancellationToken))
        {
            await _api.AskAsync(
                "createDiskOffering",
                cancellationToken,
                ("name", "small"),
                ("displaytext", "1 GiB on local"),
                ("disksize", "1"),
                ("tags", "local"));
        }

        if (await MissingAsync("listTemplates", "template", "tiny-linux", cancellationToken))
        {
            var image = Path.Combine(_options.ImageFolder, Path.GetFileName(_options.GuestImage));
            _say($"registering the template 'tiny-linux' from {image}");
            var osTypes = await _api.ListAsync("listOsTypes", "ostype", cancellationToken);
            await _api.AskAsync(
                "registerTemplate",
                cancellationToken,
                ("name", "tiny-linux"),
                ("displaytext", "Tiny Linux that writes a counter to every disk"),
                ("format", "QCOW2"),
                ("hypervisor", "KVM"),
                ("ispublic", "true"),
                ("isfeatured", "true"),
                ("isdynamicallyscalable", "true"),
                ("ostypeid", osTypes[0].Text("id")),
                ("zoneid", zone),
                ("url", $"file://{image}"));
        }

        await wait(
            "the template to be ready",
            async () => (await _api.ListAsync("listTemplates", "template", cancellationToken, ("templatefilter", "all"), ("name", "tiny-linux")))
                .Any(template => template.Text("isready") == bool.TrueString),
            cancellationToken);
    }

    private async Task<bool> MissingAsync(string command, string key, string name, CancellationToken cancellationToken)
    {
        var found = command == "listTemplates"
            ? await _api.ListAsync(command, key, cancellationToken, ("templatefilter", "all"), ("name", name))
            : await _api.ListAsync(command, key, cancellationToken, ("name", name));
        return found.Count == 0;
    }
}
