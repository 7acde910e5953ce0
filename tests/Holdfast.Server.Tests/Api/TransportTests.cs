using Holdfast.Server.Api.Transport;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

public sealed class TransportTests
{
    [Theory]
    [InlineData(null, null, 0, 500)]
    [InlineData(null, -1, 0, null)]
    [InlineData(1, 500, 0, 500)]
    [InlineData(3, 20, 40, 20)]
    public void A_page_is_made(int? page, int? size, int offset, int? limit)
    {
        Page.TryMake(page, size, out var made, out _).ShouldBeTrue();
        made.ShouldBe(new Page(offset, limit));
    }

    [Theory]
    [InlineData(null, 20, "\"page\" parameter is required when \"pagesize\" is specified")]
    [InlineData(1, null, "\"pagesize\" parameter is required when \"page\" is specified")]
    [InlineData(1, 501, "Page size can't exceed max allowed page size value: 500")]
    [InlineData(1, 0, null)]
    [InlineData(1, -1, null)]
    [InlineData(0, 10, null)]
    [InlineData(int.MaxValue, 500, null)]
    public void A_page_that_makes_no_sense_is_refused(int? page, int? size, string? text)
    {
        Page.TryMake(page, size, out _, out var error).ShouldBeFalse();
        error!.Status.ShouldBe(431);
        if (text is not null)
        {
            error.Text.ShouldBe(text);
        }
    }

    [Fact]
    public void Both_shapes_of_maps_are_read()
    {
        var parameters = Collect(("details[1].value", "V"), ("details[1].key", "K"), ("Details[0].resourceGroup", "rg"), ("details[0].lin.auth.apitoken", "t"), ("detail", "x"));

        MapParameterReader.TryReadRows(parameters, "details", out var rows, out _).ShouldBeTrue();

        rows.Count.ShouldBe(2);
        MapParameterReader.TryFlatten(rows, "details", out var map, out _).ShouldBeTrue();
        map.Count.ShouldBe(3);
        map["K"].ShouldBe("V");
        map["resourcegroup"].ShouldBe("rg");
        map["lin.auth.apitoken"].ShouldBe("t");
        map.Keys.ShouldContain("resourceGroup");
    }

    [Theory]
    [InlineData("details[x].a")]
    [InlineData("details[0]a")]
    [InlineData("details[0].")]
    [InlineData("details[0")]
    [InlineData("details[-1].a")]
    [InlineData("details[0].a[1].b")]
    [InlineData("details[99999999999].a")]
    public void A_malformed_map_is_refused_with_430(string name)
    {
        MapParameterReader.TryReadRows(Collect((name, "1")), "details", out _, out var error).ShouldBeFalse();
        error!.Status.ShouldBe(430);
    }

    [Fact]
    public void A_parameter_sent_twice_with_two_values_is_refused()
    {
        RequestParameters.TryCollect([new("id", "1"), new("ID", "2")], out _, out var error).ShouldBeFalse();
        error!.Status.ShouldBe(400);
        RequestParameters.TryCollect([new("id", "1"), new("ID", "1")], out var same, out _).ShouldBeTrue();
        same.AsSent.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("2026-01-30T10:39:29+0000", "2026-01-30T10:39:29+0000")]
    [InlineData("2026-01-30T10:39:29+0130", "2026-01-30T09:09:29+0000")]
    [InlineData("2026-01-30T10:39:29+01:30", "2026-01-30T09:09:29+0000")]
    [InlineData("2026-01-30T10:39:29Z", "2026-01-30T10:39:29+0000")]
    [InlineData("2026-01-30T10:39:29.123Z", "2026-01-30T10:39:29+0000")]
    [InlineData("2026-01-30T10:39:29.123456+0000", "2026-01-30T10:39:29+0000")]
    [InlineData("2026-01-30 10:39:29", "2026-01-30T10:39:29+0000")]
    [InlineData("2026-01-30", "2026-01-30T00:00:00+0000")]
    public void Dates_are_read_and_written(string text, string written)
    {
        ApiDate.TryParse(text, out var date).ShouldBeTrue();
        ApiDate.Format(date).ShouldBe(written);
    }

    [Theory]
    [InlineData("")]
    [InlineData("tomorrow")]
    [InlineData("30.01.2026")]
    [InlineData("2026-13-01")]
    public void What_is_no_date_is_refused(string text) => ApiDate.TryParse(text, out _).ShouldBeFalse();

    private static RequestParameters Collect(params (string Name, string Value)[] pairs)
    {
        RequestParameters.TryCollect(pairs.Select(p => new KeyValuePair<string, string>(p.Name, p.Value)), out var parameters, out _).ShouldBeTrue();
        return parameters;
    }
}
