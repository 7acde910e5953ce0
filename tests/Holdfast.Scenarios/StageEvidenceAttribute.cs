using System.Reflection;
using Xunit;
using Xunit.v3;

namespace Holdfast.Scenarios;

/// <summary>Adds to the output of a test that failed what server and agent had to say, and has the stage renewed before the next test: one failure is to show itself once.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class StageEvidenceAttribute : BeforeAfterTestAttribute
{
    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (TestContext.Current is { TestState.Result: TestResult.Failed, TestOutputHelper: { } output })
        {
            SharedStage.TestFailed(output.WriteLine);
        }
    }
}
