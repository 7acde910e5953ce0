using System.Text;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

public sealed class LinstorInterpretationTests
{
    private static readonly ControllerAddress Controller = Parse("ctl");
    private static readonly RestRequest Read = new("GET thing", HttpMethod.Get, "v1/thing");
    private static readonly RestRequest Change = new("POST thing", HttpMethod.Post, "v1/thing");

    [Theory]
    [InlineData(200, DriverErrorCode.Invalid)]
    [InlineData(202, DriverErrorCode.Invalid)]
    [InlineData(206, DriverErrorCode.Invalid)]
    [InlineData(213, DriverErrorCode.Invalid)]
    [InlineData(225, DriverErrorCode.Invalid)]
    [InlineData(228, DriverErrorCode.Invalid)]
    [InlineData(234, DriverErrorCode.Invalid)]
    [InlineData(243, DriverErrorCode.Invalid)]
    [InlineData(300, DriverErrorCode.Invalid)]
    [InlineData(301, DriverErrorCode.NotFound)]
    [InlineData(302, DriverErrorCode.NotFound)]
    [InlineData(303, DriverErrorCode.NotFound)]
    [InlineData(304, DriverErrorCode.NotFound)]
    [InlineData(309, DriverErrorCode.Invalid)]
    [InlineData(310, DriverErrorCode.Capacity)]
    [InlineData(312, DriverErrorCode.NotFound)]
    [InlineData(313, DriverErrorCode.NotFound)]
    [InlineData(315, DriverErrorCode.NotFound)]
    [InlineData(317, DriverErrorCode.Invalid)]
    [InlineData(400, DriverErrorCode.Credentials)]
    [InlineData(412, DriverErrorCode.Credentials)]
    [InlineData(424, DriverErrorCode.Credentials)]
    [InlineData(500, DriverErrorCode.Busy)]
    [InlineData(501, DriverErrorCode.Busy)]
    [InlineData(514, DriverErrorCode.Busy)]
    [InlineData(522, DriverErrorCode.Busy)]
    [InlineData(800, DriverErrorCode.Capacity)]
    [InlineData(801, DriverErrorCode.Capacity)]
    [InlineData(802, DriverErrorCode.Capacity)]
    [InlineData(807, DriverErrorCode.Capacity)]
    [InlineData(971, DriverErrorCode.Busy)]
    [InlineData(972, DriverErrorCode.Unsupported)]
    [InlineData(974, DriverErrorCode.Busy)]
    [InlineData(975, DriverErrorCode.Busy)]
    [InlineData(979, DriverErrorCode.Busy)]
    [InlineData(980, DriverErrorCode.Capacity)]
    [InlineData(981, DriverErrorCode.Busy)]
    [InlineData(982, DriverErrorCode.Busy)]
    [InlineData(985, DriverErrorCode.Capacity)]
    [InlineData(988, DriverErrorCode.Unsupported)]
    [InlineData(989, DriverErrorCode.Unsupported)]
    [InlineData(990, DriverErrorCode.Invalid)]
    [InlineData(991, DriverErrorCode.Capacity)]
    [InlineData(992, DriverErrorCode.Busy)]
    [InlineData(993, DriverErrorCode.Capacity)]
    [InlineData(994, DriverErrorCode.Unsupported)]
    [InlineData(995, DriverErrorCode.Unreachable)]
    [InlineData(996, DriverErrorCode.Capacity)]
    [InlineData(997, DriverErrorCode.Busy)]
    [InlineData(998, DriverErrorCode.Unknown)]
    [InlineData(999, DriverErrorCode.Unknown)]
    [InlineData(100, DriverErrorCode.Unknown)]
    [InlineData(101, DriverErrorCode.Unknown)]
    [InlineData(10000, DriverErrorCode.Credentials)]
    [InlineData(10001, DriverErrorCode.Credentials)]
    [InlineData(12345, DriverErrorCode.Unknown)]
    public void ClassOf_EveryErrorCode_IsWhatTheCallerCanActOn(int code, DriverErrorCode expected) =>
        Interpretation.ClassOf(code).ShouldBe(expected);

    [Theory]
    [InlineData(200, "[]")]
    [InlineData(201, "[{\"ret_code\":20447233,\"message\":\"created\"}]")]
    [InlineData(200, "[{\"ret_code\":-9223372036801033288,\"message\":\"absent\"}]")]
    [InlineData(200, "[{\"ret_code\":-9223372036801035286},{\"ret_code\":4611686018481137430}]")]
    [InlineData(200, "[{\"name\":\"x\"}]")]
    [InlineData(200, "{\"version\":\"1\"}")]
    [InlineData(201, "{\"location\":\"/x\",\"messages\":[{\"ret_code\":1}]}")]
    public void ProblemOf_GoodAnswers_IsNone(int status, string body) =>
        Interpretation.ProblemOf(Change, Controller, status, Encoding.UTF8.GetBytes(body)).ShouldBeNull();

    [Theory]
    [InlineData(500, -4611686018406153739L, DriverErrorCode.Busy, 501)]
    [InlineData(404, -4611686018406153923L, DriverErrorCode.Invalid, 317)]
    [InlineData(500, -4611686018406153244L, DriverErrorCode.Capacity, 996)]
    [InlineData(404, -4611686018407202515L, DriverErrorCode.NotFound, 301)]
    [InlineData(500, -4611686018373647387L, DriverErrorCode.Busy, 997)]
    [InlineData(200, -4611686018373647387L, DriverErrorCode.Busy, 997)]
    [InlineData(403, -4611686018373647387L, DriverErrorCode.Credentials, 997)]
    public void ProblemOf_ErrorEntries_DecideWhateverTheStatus(int status, long code, DriverErrorCode expected, int linstor)
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"ret_code\":{code},\"message\":\"the words\",\"error_report_ids\":[\"R-1\"]}}]");
        var problem = Interpretation.ProblemOf(Change, Controller, status, body).ShouldNotBeNull();
        problem.Code.ShouldBe(expected);
        problem.Linstor.ShouldBe(linstor);
        problem.Backend.ShouldNotBeNull().ShouldContain("the words");
        problem.Backend.ShouldContain("R-1");
        problem.Text.ShouldContain("http://ctl:3370");
    }

    [Fact]
    public void ProblemOf_SuccessBeforeTheError_MayHaveLeftParts()
    {
        var body = "[{\"ret_code\":20447233,\"message\":\"made\"},{\"ret_code\":-4611686018406153244,\"message\":\"no nodes\"}]"u8;
        var problem = Interpretation.ProblemOf(Change, Controller, 500, body).ShouldNotBeNull();
        problem.Code.ShouldBe(DriverErrorCode.Capacity);
        problem.MayHaveEffect.ShouldBeTrue();
    }

    [Theory]
    [InlineData(400)]
    [InlineData(500)]
    public void ProblemOf_ParseFailure_IsRecognizedWhateverTheStatus(int status)
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"ret_code\":{ReturnCode.ParseFailure},\"message\":\"Unrecognized field\"}}]");
        Interpretation.ProblemOf(Change, Controller, status, body)!.Code.ShouldBe(DriverErrorCode.Unsupported);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(405)]
    public void ProblemOf_UnknownRoute_IsNotAnAbsentObject(int status)
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"ret_code\":{Error(998)},\"message\":\"Path not found on server\"}}]");
        Interpretation.ProblemOf(Read, Controller, status, body)!.Code.ShouldBe(DriverErrorCode.Unsupported);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public void ProblemOf_RefusedCredentials_AreCredentials(int status) =>
        Interpretation.ProblemOf(Read, Controller, status, default)!.Code.ShouldBe(DriverErrorCode.Credentials);

    [Fact]
    public void ProblemOf_LdapFailureWithStatus400_IsCredentials()
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"ret_code\":{Error(10000)}}}]");
        Interpretation.ProblemOf(Read, Controller, 400, body)!.Code.ShouldBe(DriverErrorCode.Credentials);
    }

    [Theory]
    [InlineData(500, "<html>Internal error</html>")]
    [InlineData(502, "Bad gateway")]
    [InlineData(503, "")]
    [InlineData(404, "<html>nothing here</html>")]
    [InlineData(418, "[{\"ret_code\":1}]")]
    [InlineData(500, "[{\"ret_code\":\"x\"}]")]
    [InlineData(500, "[{\"ret_code\":1e300}]")]
    [InlineData(500, "{\"ret_code\":")]
    [InlineData(204, "")]
    public void ProblemOf_AnswersWithoutEntries_AreUnreachableForReadsAndUnknownForChanges(int status, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        Interpretation.ProblemOf(Read, Controller, status, bytes)!.Code.ShouldBe(DriverErrorCode.Unreachable);
        var change = Interpretation.ProblemOf(Change, Controller, status, bytes)!;
        change.Code.ShouldBe(DriverErrorCode.Unknown);
        change.MayHaveEffect.ShouldBeTrue();
    }

    [Theory]
    [InlineData(998)]
    [InlineData(999)]
    [InlineData(101)]
    public void ProblemOf_InternalErrors_AreUnclearForChangesOnly(int code)
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"ret_code\":{Error(code)}}}]");
        Interpretation.ProblemOf(Read, Controller, 500, body)!.Code.ShouldBe(DriverErrorCode.Unreachable);
        Interpretation.ProblemOf(Change, Controller, 500, body)!.MayHaveEffect.ShouldBeTrue();
    }

    [Fact]
    public void Excerpt_OfBinary_IsPrintableAndBounded()
    {
        var bytes = Enumerable.Range(0, 5000).Select(static i => (byte)i).ToArray();
        var text = Interpretation.Excerpt(bytes).ShouldNotBeNull();
        text.ShouldAllBe(static c => !char.IsControl(c));
        text.Length.ShouldBeLessThan(400);
        Interpretation.Excerpt(default).ShouldBeNull();
    }

    [Fact]
    public void Describe_ManyLongEntries_IsBounded()
    {
        var entries = Enumerable.Range(0, 1000).Select(static i => new ApiCallRc { RetCode = i, Message = new string('x', 100), Cause = "c" });
        ApiCallRc.Describe(entries).Length.ShouldBeLessThan(2500);
    }

    [Fact]
    public void Describe_OneEntry_HasAllThatAnOperatorNeeds()
    {
        var text = ApiCallRc.Describe([new ApiCallRc
        {
            RetCode = -4611686018406153244L, Message = "no", Cause = "because", Details = "so", Correction = "do", ErrorReportIds = ["1", "2"],
        }]);
        text.ShouldBe("Error 996: no cause: because details: so correction: do error reports: 1, 2");
    }

    [Fact]
    public void Warnings_OnAcceptedChanges_AreSeen()
    {
        var reply = new ChangeReply(
        [
            new ApiCallRc { RetCode = 53739522L, Message = "deleted" },
            new ApiCallRc { RetCode = -9223372036801035286L, Message = "kvm2 is offline" },
        ]);
        reply.Deferred.ShouldBeTrue();
        reply.Absent.ShouldBeFalse();
        reply.Warnings().ShouldContain("kvm2 is offline");
        reply.Warnings().ShouldNotContain("deleted");
    }

    private static long Error(int code) => unchecked((long)0xC000_0000_0000_0000UL) | (uint)code;

    private static ControllerAddress Parse(string text) =>
        ControllerAddress.TryParse(text, out var address, out _) ? address : throw new InvalidOperationException();
}
