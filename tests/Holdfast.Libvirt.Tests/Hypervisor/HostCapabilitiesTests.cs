using System.Xml.Linq;
using Holdfast.Agent.Hypervisor;
using Holdfast.Protocol.Driver;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class HostCapabilitiesTests
{
    private const string Xml = """
        <capabilities>
          <host>
            <cpu><arch>x86_64</arch></cpu>
            <secmodel><model>apparmor</model><doi>0</doi></secmodel>
            <secmodel><model>dac</model><doi>0</doi><baselabel type='kvm'>+64055:+107</baselabel><baselabel type='qemu'>+64055:+107</baselabel></secmodel>
          </host>
          <guest><os_type>hvm</os_type><arch name='i686'><emulator>/usr/bin/qemu-system-i386</emulator><domain type='qemu'/></arch></guest>
          <guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator><domain type='qemu'/><domain type='kvm'/></arch></guest>
        </capabilities>
        """;

    [Fact]
    public void The_host_is_read_from_the_guest_of_its_own_architecture() =>
        HostCapabilities.Read(XElement.Parse(Xml)).ShouldBe(new HostCapabilities("x86_64", "/usr/bin/qemu-system-x86_64", OffersKvm: true, new GuestUser(64055, 107)));

    [Fact]
    public void A_daemon_that_tells_little_is_read_as_little() =>
        HostCapabilities.Read(XElement.Parse("<capabilities><host/></capabilities>")).ShouldBe(new HostCapabilities("", "", OffersKvm: false, null));

    [Fact]
    public void Memory_is_what_the_kernel_counts()
    {
        HostCapabilities.ReadMemoryKiB("MemTotal:       24684084 kB\nMemFree:         1 kB\n").ShouldBe(24684084);
        HostCapabilities.ReadMemoryKiB("").ShouldBeNull();
    }
}
