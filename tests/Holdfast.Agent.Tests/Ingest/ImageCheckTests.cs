using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

public sealed class ImageCheckTests
{
    [Theory]
    [InlineData(0, """{"check-errors":0,"image-end-offset":8716288}""")]
    [InlineData(3, """{"check-errors":0,"leaks":1}""")]
    public void A_whole_image_is_taken_also_when_it_wastes_room(int code, string json) => ImageCheck.Judge(code, json, "", 5).ShouldBeNull();

    [Theory]
    [InlineData(2, """{"check-errors":0,"corruptions":66}""", "Leaked cluster 4\nERROR: beyond the end\n", "66 errors, the first: ERROR: beyond the end")]
    [InlineData(2, """{"check-errors":0}""", "", "no words")]
    [InlineData(0, """{"check-errors":2}""", "ERROR: x", "could not check all of it: ERROR: x")]
    [InlineData(1, "", "qemu-img: Check failed: Invalid argument", "Invalid argument")]
    [InlineData(63, "", "This image format does not support checks", "does not support")]
    [InlineData(0, "", "", "makes no sense")]
    [InlineData(0, "{}", "", "makes no sense")]
    [InlineData(0, """{"check-errors":"no"}""", "", "makes no sense")]
    public void Anything_else_is_refused_with_its_reason(int code, string json, string error, string reason) =>
        ImageCheck.Judge(code, json, error, 5)!.ShouldContain(reason);
}
