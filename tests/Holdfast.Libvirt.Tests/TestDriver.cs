using System.Runtime.InteropServices;

namespace Holdfast.Libvirt.Tests;

/// <summary>libvirt's built-in test driver: no daemon, no root, no KVM. All connections of a process to test:///default share one world.</summary>
internal static class TestDriver
{
    public const string Uri = "test:///default";

    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static LibvirtLane Lane(Func<LibvirtLaneOptions, LibvirtLaneOptions>? change = null)
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libvirt.so.0", out _), "libvirt.so.0 is not installed (package libvirt0)");
        var options = new LibvirtLaneOptions { Name = "test", Uri = Uri };
        return new LibvirtLane(change?.Invoke(options) ?? options, TimeProvider.System);
    }

    public static string DomainXml(Guid uuid, string name) =>
        $"<domain type='test'><name>{name}</name><uuid>{uuid:D}</uuid><memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";

    /// <summary>The value of a call that has to work.</summary>
    public static T Value<T>(this LibvirtResult<T> result) => result.ShouldBeOfType<LibvirtResult<T>.Ok>().Value;
}
