using System.Xml.Linq;

namespace Holdfast.Staging;

/// <summary>A look at the machine that does not go through Holdfast, and a hand that does not either.</summary>
internal static class Virsh
{
    /// <summary>Whether libvirt answers.</summary>
    /// <returns>Whether it does.</returns>
    public static async Task<bool> AnswersAsync() => (await TryAsync("version")).Code == 0;

    /// <summary>Whether a domain with this UUID exists, running or not.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>Whether it is there.</returns>
    public static async Task<bool> ExistsAsync(string id) => (await TryAsync("domstate", id)).Code == 0;

    /// <summary>The state in libvirt's words; empty when there is none.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The state.</returns>
    public static async Task<string> StateAsync(string id) => (await TryAsync("domstate", id)).Output.Trim();

    /// <summary>The domain's definition.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The XML.</returns>
    public static async Task<XElement> DescribeAsync(string id) => XElement.Parse(await RunAsync("dumpxml", id));

    /// <summary>The id of the QEMU process, from its pid file; null when there is none.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>The process id.</returns>
    public static async Task<int?> ProcessIdAsync(string id)
    {
        var name = (await TryAsync("domname", id)).Output.Trim();
        var file = $"/run/libvirt/qemu/{name}.pid";
        return name.Length > 0 && File.Exists(file) && int.TryParse(await File.ReadAllTextAsync(file), out var process) ? process : null;
    }

    /// <summary>Ends a domain the hard way.</summary>
    /// <param name="id">The VM's id, or the domain's name.</param>
    /// <returns>When virsh has ended.</returns>
    public static Task<string> DestroyAsync(string id) => RunAsync("destroy", id);

    /// <summary>Runs virsh and demands success.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its output.</returns>
    public static Task<string> RunAsync(params IReadOnlyList<string> arguments) => Tool.RunAsync("virsh", ["--quiet", "--connect", "qemu:///system", .. arguments]);

    private static Task<ToolResult> TryAsync(params IReadOnlyList<string> arguments) =>
        Tool.TryAsync(TimeSpan.FromSeconds(20), "virsh", ["--quiet", "--connect", "qemu:///system", .. arguments]);
}
