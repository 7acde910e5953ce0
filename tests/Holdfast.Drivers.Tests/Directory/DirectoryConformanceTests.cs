using Holdfast.DriverKit.Conformance;
using Holdfast.Drivers.Tests.Conformance;

namespace Holdfast.Drivers.Tests.Directory;

public sealed class DirectoryConformanceTests : ConformanceTests
{
    protected override ConformanceTarget CreateTarget() => new DirectoryTarget("qcow2");
}
