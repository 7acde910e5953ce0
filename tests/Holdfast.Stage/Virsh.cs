using System.Xml.Linq;
using Holdfast.Testing;

namespace Holdfast.Staging;

/// <summary>A look at the machine that does not go through Holdfast, and a hand that does not either.</summary>
/// <param name="libvirt">The daemon that looks after the guests.</param>
internal sealed class Virsh(PrivateLibvirtd libvirt)
{
    /// <summary>Whether a domain with this UUID exists, running or not.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>Whether it is there.</returns>
    public async Task<bool> ExistsAsync(string id) => (await TryAsync("domstate", id)).Code == 0;

    /// <summary>The state in libvirt's words; empty when there is none.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The state.</returns>
    public async Task<string> StateAsync(string id) => (await TryAsync("domstate", id)).Output.Trim();

    /// <summary>The domain's definition.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The XML.</returns>
    public async Task<XElement> DescribeAsync(string id) => XElement.Parse(await RunAsync("dumpxml", id));

    /// <summary>The id of the QEMU process, from its pid file; null when there is none.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The process id.</returns>
    public async Task<int?> ProcessIdAsync(string id)
    {
        var name = (await TryAsync("domname", id)).Output.Trim();
        var file = Path.Combine(libvirt.Folder, "run", "qemu", $"{name}.pid");
        return name.Length > 0 && File.Exists(file) && int.TryParse(await File.ReadAllTextAsync(file), out var process) ? process : null;
    }

    /// <summary>Ends a domain the hard way.</summary>
    /// <param name="id">The VM's id, or the domain's name.</param>
    /// <returns>When virsh has ended.</returns>
    public Task<string> DestroyAsync(string id) => RunAsync("destroy", id);

    /// <summary>Runs virsh and demands success.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its output.</returns>
    public Task<string> RunAsync(params IReadOnlyList<string> arguments) => Tool.RunAsync("virsh", ["--quiet", "--connect", libvirt.Uri, .. arguments]);

    /// <summary>Runs virsh, however that ends.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>How it ended.</returns>
    public Task<ToolResult> TryAsync(params IReadOnlyList<string> arguments) =>
        Tool.TryAsync(TimeSpan.FromSeconds(20), "virsh", ["--quiet", "--connect", libvirt.Uri, .. arguments]);
}
