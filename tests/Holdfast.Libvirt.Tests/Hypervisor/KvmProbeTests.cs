using Holdfast.Agent.Hypervisor;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class KvmProbeTests
{
    private const string WithSvm = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu vme svm sse\n";
    private const string Without = "processor\t: 0\nflags\t\t: fpu vme sse\n";

    [Fact]
    public void Kvm_needs_all_three() => KvmProbe.Decide(WithSvm, () => null, libvirtOffersKvm: true).Accelerator.ShouldBe(Accelerator.Kvm);

    [Fact]
    public void A_device_that_answers_on_a_processor_without_virtualisation_proves_nothing()
    {
        var (accelerator, reason) = KvmProbe.Decide(Without, () => null, libvirtOffersKvm: true);
        accelerator.ShouldBe(Accelerator.Tcg);
        reason.ShouldContain("neither vmx nor svm, although /dev/kvm answers");
    }

    [Fact]
    public void A_device_that_fails_is_named()
    {
        var (accelerator, reason) = KvmProbe.Decide(WithSvm, () => "/dev/kvm cannot be opened: Permission denied", libvirtOffersKvm: true);
        accelerator.ShouldBe(Accelerator.Tcg);
        reason.ShouldContain("Permission denied");
    }

    [Fact]
    public void Kvm_that_libvirt_does_not_offer_is_not_used() =>
        KvmProbe.Decide(WithSvm, () => null, libvirtOffersKvm: false).Accelerator.ShouldBe(Accelerator.Tcg);

    [Fact]
    public void The_processor_model_is_the_kernels_name_of_it() => HostCapabilities.ReadCpuModel(WithSvm).ShouldBe("A Processor");
}
