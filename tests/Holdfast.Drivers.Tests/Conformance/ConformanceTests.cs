using Holdfast.DriverKit.Conformance;
using Xunit;

namespace Holdfast.Drivers.Tests.Conformance;

/// <summary>All cases of the conformance kit against one driver. Derive, and give it the target.</summary>
public abstract class ConformanceTests
{
    public static TheoryData<string> Cases => [.. ConformanceCases.All.Select(static one => one.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Conforms(string name)
    {
        await using var target = CreateTarget();
        var one = ConformanceCases.All.Single(one => one.Name == name);
        if (await one.JudgeAsync(target) is { } reason)
        {
            Assert.Skip(reason);
        }
    }

    protected abstract ConformanceTarget CreateTarget();
}
