// The case this project exists for: https://github.com/apache/cloudstack/issues/10465.
// THIS FILE IS NEVER TO BE EDITED. When it fails, the change that made it fail is wrong.
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Regressions;

[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class CloudStack10465Tests(SharedStage shared, ITestOutputHelper output)
{
    [Fact]
    public async Task StopVm_DeletedLinstorStorageAndItsControllerGone_Succeeds() =>
        await CloudStack10465.PlayAsync(await shared.StageAsync(), Death.Refused, (step, took) => output.WriteLine($"{took.TotalSeconds,6:0.00} s  {step}"));
}
