using System.Xml.Linq;

namespace Holdfast.Libvirt.Tests;

/// <summary>libvirt's own description of its API, as Debian's libvirt-dev installs it.</summary>
internal static class ApiDescription
{
    private const string Path = "/usr/share/libvirt/api/libvirt-api.xml";

    public static XElement Load()
    {
        Assert.SkipUnless(File.Exists(Path), $"{Path} is not installed (package libvirt-dev)");
        return XDocument.Load(Path).Root!;
    }
}
