using Holdfast.DriverKit.Conformance;
using Holdfast.Drivers.Tests.Conformance;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Without DRBD, over TLS and with a token.</summary>
public sealed class LinstorStorageConformanceTests : ConformanceTests
{
    protected override ConformanceTarget CreateTarget() => new LinstorTarget(drbd: false);
}

/// <summary>With DRBD, over TLS and with a token.</summary>
public sealed class LinstorDrbdConformanceTests : ConformanceTests
{
    protected override ConformanceTarget CreateTarget() => new LinstorTarget(drbd: true);
}
