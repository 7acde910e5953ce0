using Holdfast.Drivers.Linstor.Rest;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

public sealed class LinstorReturnCodeTests
{
    /// <summary>Codes as they are seen on the wire.</summary>
    [Theory]
    [InlineData(20447233L, "Success", 1)]
    [InlineData(-4611686018406940171L, "Error", 501)]
    [InlineData(-4611686018406153739L, "Error", 501)]
    [InlineData(-4611686018406153923L, "Error", 317)]
    [InlineData(-4611686018406153244L, "Error", 996)]
    [InlineData(-4611686018407202516L, "Error", 300)]
    [InlineData(-4611686018407202515L, "Error", 301)]
    [InlineData(-4611686018407202506L, "Error", 310)]
    [InlineData(53739522L, "Success", 2)]
    [InlineData(-9223372036801033288L, "Warn", 3000)]
    [InlineData(-9223372036801035286L, "Warn", 1002)]
    [InlineData(-4611686018373647387L, "Error", 997)]
    [InlineData(4611686018481137430L, "Info", 10006)]
    [InlineData(-9223372036800771144L, "Warn", 3000)]
    [InlineData(-4611686018373385243L, "Error", 997)]
    [InlineData(-4611686018373385726L, "Error", 514)]
    [InlineData(37224451L, "Success", 3)]
    [InlineData(17563649L, "Success", 1)]
    [InlineData(17563651L, "Success", 3)]
    [InlineData(-4611686018409823742L, "Error", 514)]
    [InlineData(-4611686018409823261L, "Error", 995)]
    [InlineData(-9223372036803654728L, "Warn", 3000)]
    [InlineData(-9223372036818074625L, "Warn", 1023)]
    [InlineData(-4611686018390686770L, "Error", 974)]
    [InlineData(-4611686018390687538L, "Error", 206)]
    [InlineData(-9007199254740991L, "Error", 1)]
    [InlineData(0L, "Success", 0)]
    public void Parts_OfKnownCodes_AreTypeAndLow15Bits(long value, string type, int code)
    {
        var returnCode = new ReturnCode(value);
        returnCode.Type.ToString().ShouldBe(type);
        returnCode.Code.ShouldBe(code);
        returnCode.IsError.ShouldBe(type == "Error");
        returnCode.IsWarning.ShouldBe(type == "Warn");
    }

    [Fact]
    public void ParseFailure_IsRecognizedByItsWholeValue()
    {
        new ReturnCode(ReturnCode.ParseFailure).IsParseFailure.ShouldBeTrue();
        new ReturnCode(ReturnCode.ParseFailure).IsError.ShouldBeTrue();
        unchecked((long)(0xC000_0000_0000_0000UL | 0x0FFF_FFFF_FFFF_FFFDUL)).ShouldBe(ReturnCode.ParseFailure);
        new ReturnCode(-4611686018406940171L).IsParseFailure.ShouldBeFalse();
    }

    [Theory]
    [InlineData("1.22.0", true, 1, 22, 0)]
    [InlineData("1.27.3", true, 1, 27, 3)]
    [InlineData("1.0", true, 1, 0, 0)]
    [InlineData("2.0.0", true, 2, 0, 0)]
    [InlineData("1", false, 0, 0, 0)]
    [InlineData("", false, 0, 0, 0)]
    [InlineData(null, false, 0, 0, 0)]
    [InlineData("1.2.3.4", false, 0, 0, 0)]
    [InlineData("1.-2.0", false, 0, 0, 0)]
    [InlineData("v1.2.0", false, 0, 0, 0)]
    [InlineData("string", false, 0, 0, 0)]
    public void RestVersion_TryParse_ReadsVersions(string? text, bool good, int major, int minor, int patch)
    {
        RestVersion.TryParse(text, out var version).ShouldBe(good);
        version.ShouldBe(new RestVersion(major, minor, patch));
    }

    [Theory]
    [InlineData("1.21.0", false, false, false)]
    [InlineData("1.22.0", true, false, false)]
    [InlineData("1.23.0", true, true, false)]
    [InlineData("1.25.1", true, true, false)]
    [InlineData("1.26.0", true, true, true)]
    [InlineData("1.100.0", true, true, true)]
    public void RestVersion_Features_FollowTheVersion(string text, bool spawn, bool tieBreaker, bool clone)
    {
        RestVersion.TryParse(text, out var version).ShouldBeTrue();
        version.HasSpawnProperties.ShouldBe(spawn);
        version.HasKeepTieBreaker.ShouldBe(tieBreaker);
        version.HasCloneProperties.ShouldBe(clone);
    }
}
