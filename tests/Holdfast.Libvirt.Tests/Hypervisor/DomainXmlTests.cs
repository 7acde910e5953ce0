using Holdfast.Agent.Hypervisor;
using Holdfast.Protocol.Driver;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class DomainXmlTests
{
    [Fact]
    public void A_machine_on_files_under_emulation() => Approved.Match(
        DomainXml.Domain(Specs.Minimal(
            Specs.Disk(Specs.Root, "vda", new DiskSource.File("/srv/pool/root.qcow2", "qcow2")),
            Specs.Disk(Specs.Data, "vdb", new DiskSource.File("/srv/pool/data.raw", "raw", DirectIo: false)) with { ReadOnly = true })).ToString(),
        "files-tcg");

    [Fact]
    public void A_machine_on_block_devices_with_networks_under_kvm() => Approved.Match(
        DomainXml.Domain(Specs.Minimal(Specs.Disk(Specs.Root, "vda", new DiskSource.Block("/dev/drbd1000"))) with
        {
            Accelerator = Accelerator.Kvm,
            Nics =
            [
                new DomainNic("02:00:4a:00:00:01", new DomainNicSource.Bridge("cloudbr0")),
                new DomainNic("02:00:4a:00:00:02", new DomainNicSource.LibvirtNetwork("default")),
            ],
        }).ToString(),
        "block-kvm-nics");

    [Fact]
    public void A_machine_with_a_configuration_drive() => Approved.Match(
        DomainXml.Domain(Specs.Minimal(Specs.Disk(Specs.Root, "vda", new DiskSource.Block("/dev/drbd1000"))) with { GuestDrive = "/run/holdfast/a.iso" }).ToString(),
        "configuration-drive");

    [Theory]
    [InlineData(false, "uefi")]
    [InlineData(true, "secure-boot")]
    public void A_machine_that_boots_by_uefi(bool isSecure, string approved) => Approved.Match(
        DomainXml.Domain(Specs.Minimal(Specs.Disk(Specs.Root, "vda", new DiskSource.Block("/dev/drbd1000"))) with
        {
            GuestDrive = "/run/holdfast/a.iso",
            Firmware = new DomainFirmware(FirmwareFiles.Find(isSecure, static _ => true)!, "/run/holdfast/a.fd", isSecure),
        }).ToString(),
        approved);

    [Theory]
    [InlineData(Accelerator.Tcg, "room-tcg")]
    [InlineData(Accelerator.Kvm, "room-kvm")]
    public void A_machine_with_room_to_grow(object accelerator, string approved) => Approved.Match(
        DomainXml.Domain(WithRoom(8, 4096) with { Accelerator = (Accelerator)accelerator }).ToString(), approved);

    [Fact]
    public void A_machine_whose_room_is_what_it_has_is_as_one_without()
    {
        var without = DomainXml.Domain(WithRoom(null, null)).ToString();
        DomainXml.Domain(WithRoom(2, 512)).ToString().ShouldBe(without);
        without.ShouldNotContain("maxMemory");
        DomainXml.Domain(WithRoom(4, 512)).ToString().ShouldContain("current=\"2\">4<");
        DomainXml.Domain(WithRoom(4, 512)).ToString().ShouldNotContain("numa");
    }

    private static DomainSpec WithRoom(int? cpus, long? memory) =>
        Specs.Minimal(Specs.Disk(Specs.Root, "vda", new DiskSource.Block("/dev/drbd1000"))) with { MaxCpus = cpus, MaxMemoryMiB = memory };

    [Fact]
    public void Memory_to_be_plugged_in() => Approved.Match(DomainXml.Memory(256, 768).ToString(), "memory");

    [Fact]
    public void The_first_firmware_that_is_whole_is_taken()
    {
        FirmwareFiles.Find(secure: false, static _ => false).ShouldBeNull();
        FirmwareFiles.Find(secure: false, static path => path != "/usr/share/OVMF/OVMF_VARS_4M.fd").ShouldBe(new FirmwareFiles("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"));
    }

    [Fact]
    public void A_disk_with_a_backing_chain_to_be_plugged_in() => Approved.Match(
        DomainXml.Disk(Specs.Disk(Specs.Data, "vdc", new DiskSource.File(
            "/srv/pool/clone.qcow2", "qcow2", [new BackingImage("/srv/pool/sealed.qcow2", "qcow2"), new BackingImage("/srv/pool/base.raw", "raw")]))).ToString(),
        "disk-with-backing");

    [Fact]
    public void The_guest_sees_the_first_20_digits_of_the_volume_id_and_the_alias_has_all_of_it()
    {
        DiskAlias.SerialOf(Specs.Root).ShouldBe("0192f0c12a3b7c4d8e5f");
        DiskAlias.Of(Specs.Root).ShouldBe("ua-0192f0c1-2a3b-7c4d-8e5f-000000000001");
        DiskAlias.Read(DiskAlias.Of(Specs.Root)).ShouldBe(Specs.Root);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("virtio-disk0")]
    [InlineData("ua-somebody-elses")]
    public void An_alias_that_is_not_ours_names_no_volume(string? alias) => DiskAlias.Read(alias).ShouldBeNull();

    [Theory]
    [InlineData("relative/path", "raw")]
    [InlineData("/srv/line\nbreak", "raw")]
    [InlineData("/srv/nul\0", "raw")]
    [InlineData("/srv/disk.vmdk", "vmdk")]
    [InlineData("/srv/disk", "")]
    public void A_source_that_no_domain_may_have_is_refused(string path, string format) =>
        Should.Throw<UnfitForDomainException>(() => DomainXml.Disk(Specs.Disk(Specs.Root, "vda", new DiskSource.File(path, format))));

    [Fact]
    public void A_network_disk_is_refused_by_name() =>
        Should.Throw<UnfitForDomainException>(() => DomainXml.Disk(Specs.Disk(Specs.Root, "vda", new DiskSource.Network("rbd", "pool/image", ["mon:6789"], null, null))))
            .Message.ShouldContain("Network");

    [Fact]
    public void Markup_in_names_and_paths_stays_text()
    {
        var xml = DomainXml.Domain(Specs.Minimal(Specs.Disk(Specs.Root, "vda", new DiskSource.Block("/dev/x'/><evil a=\""))) with { Name = "<domain>&" });
        var read = System.Xml.Linq.XElement.Parse(xml.ToString());
        ((string?)read.Element("name")).ShouldBe("<domain>&");
        read.Descendants("evil").ShouldBeEmpty();
    }
}
