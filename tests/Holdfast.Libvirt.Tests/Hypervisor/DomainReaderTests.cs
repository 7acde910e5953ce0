using System.Xml.Linq;
using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class DomainReaderTests
{
    [Fact]
    public void What_was_written_is_read_again()
    {
        var xml = DomainXml.Domain(Specs.Minimal(
            Specs.Disk(Specs.Root, "vda", new DiskSource.File("/srv/root.qcow2", "qcow2")),
            Specs.Disk(Specs.Data, "vdb", new DiskSource.Block("/dev/drbd1000"))) with { GuestDrive = "/run/holdfast/a.iso" });

        var domain = DomainReader.Read(xml, DomainStatus.Running, TimeSpan.FromSeconds(3))!;

        domain.Machine.ShouldBe(Specs.Machine);
        domain.Name.ShouldBe("i-2-17-VM");
        domain.Generation.ShouldBe(new Generation(7));
        domain.CpuTime.ShouldBe(TimeSpan.FromSeconds(3));
        domain.Disks.ShouldBe([new OwnDomainDisk("vda", Specs.Root, "/srv/root.qcow2"), new OwnDomainDisk("vdb", Specs.Data, "/dev/drbd1000")]);
    }

    [Fact]
    public void A_domain_without_the_mark_is_foreign() => Read("<metadata><other xmlns='urn:x' id='1'/></metadata>").ShouldBeNull();

    [Fact]
    public void A_clone_that_carries_anothers_mark_is_foreign() =>
        Read($"<metadata><h:machine xmlns:h='https://holdfast.dev/xmlns/machine/1' id='{Guid.NewGuid()}' generation='1'/></metadata>").ShouldBeNull();

    [Theory]
    [InlineData("id='{0}'")]
    [InlineData("id='{0}' generation='new'")]
    [InlineData("id='' generation='1'")]
    public void A_broken_mark_is_foreign(string attributes) => Read(
        $"<metadata><h:machine xmlns:h='https://holdfast.dev/xmlns/machine/1' {string.Format(System.Globalization.CultureInfo.InvariantCulture, attributes, Specs.Machine)}/></metadata>")
        .ShouldBeNull();

    [Fact]
    public void The_vnc_socket_that_libvirt_chose_is_read()
    {
        var xml = DomainXml.Domain(Specs.Minimal());
        xml.Descendants("graphics").Single().SetAttributeValue("socket", "/var/lib/libvirt/qemu/domain-1-x/vnc.sock");
        DomainReader.Read(xml, DomainStatus.Running, TimeSpan.Zero)!.VncSocket.ShouldBe("/var/lib/libvirt/qemu/domain-1-x/vnc.sock");
    }

    [Theory]
    [InlineData("<vcpu placement='static'>4</vcpu>", 4)]
    [InlineData("<vcpu placement='static' current='2'>8</vcpu>", 2)]
    [InlineData("", 0)]
    public void What_the_guest_has_now_is_read_and_not_what_it_may_be_given(string vcpu, int cpus)
    {
        var live = DomainReader.Read(
            XElement.Parse($"""
                <domain><name>x</name><uuid>{Specs.Machine}</uuid>
                <metadata><h:machine xmlns:h='https://holdfast.dev/xmlns/machine/1' id='{Specs.Machine}' generation='1'/></metadata>
                <maxMemory slots='16' unit='KiB'>4194304</maxMemory><memory unit='KiB'>786432</memory>{vcpu}<devices/></domain>
                """),
            DomainStatus.Running,
            TimeSpan.Zero)!;
        (live.Cpus, live.MemoryMiB).ShouldBe((cpus, 768));
    }

    private static OwnDomain? Read(string metadata) => DomainReader.Read(
        XElement.Parse($"<domain><name>x</name><uuid>{Specs.Machine}</uuid>{metadata}<devices/></domain>"), DomainStatus.Running, TimeSpan.Zero);
}
