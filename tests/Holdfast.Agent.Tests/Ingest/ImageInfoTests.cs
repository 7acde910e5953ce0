using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

public sealed class ImageInfoTests
{
    [Theory]
    [InlineData("""{"format":"qcow2","virtual-size":1048576}""", "qcow2", 1048576L)]
    [InlineData("""{"format":"raw","virtual-size":1}""", "raw", 1L)]
    [InlineData("""{"format":"qcow2","virtual-size":17592186044416}""", "qcow2", 17592186044416L)]
    [InlineData("""{"format":"qcow2","virtual-size":5,"encrypted":false,"format-specific":{"type":"qcow2","data":{"compat":"1.1","data-file-raw":false}}}""", "qcow2", 5L)]
    [InlineData("""{"format":"raw","virtual-size":5,"format-specific":{"type":"file"}}""", "raw", 5L)]
    public void A_plain_image_is_fine(string json, string declared, long size) =>
        ImageInfo.Judge(json, declared).ShouldBe(new InspectOutcome.Fine(size));

    [Theory]
    [InlineData("""{"format":"raw","virtual-size":5}""", "qcow2", "declared as qcow2, but it is raw")]
    [InlineData("""{"format":"qcow2","virtual-size":5}""", "raw", "declared as raw, but it is qcow2")]
    [InlineData("""{"format":"vmdk","virtual-size":5}""", "qcow2", "vmdk")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"backing-filename":"/etc/shadow"}""", "qcow2", "backing file")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"backing-filename":""}""", "qcow2", "backing file")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"full-backing-filename":"/etc/shadow"}""", "qcow2", "backing file")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"encrypted":true}""", "qcow2", "encrypted")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"format-specific":{"data":{"data-file":"/dev/sda"}}}""", "qcow2", "external file")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"format-specific":{"data":{"data-file-raw":true}}}""", "qcow2", "external file")]
    [InlineData("""{"format":"qcow2","virtual-size":0}""", "qcow2", "out of bounds")]
    [InlineData("""{"format":"qcow2","virtual-size":-1}""", "qcow2", "out of bounds")]
    [InlineData("""{"format":"qcow2","virtual-size":17592186044417}""", "qcow2", "out of bounds")]
    [InlineData("""{"format":"qcow2","virtual-size":1152921504606846976}""", "qcow2", "out of bounds")]
    [InlineData("""{"format":"qcow2","virtual-size":1e40}""", "qcow2", "makes no sense")]
    [InlineData("""{"format":"qcow2","virtual-size":"5"}""", "qcow2", "makes no sense")]
    [InlineData("""{"format":"qcow2"}""", "qcow2", "makes no sense")]
    [InlineData("""{"virtual-size":5}""", "qcow2", "makes no sense")]
    [InlineData("""{"format":5,"virtual-size":5}""", "qcow2", "makes no sense")]
    [InlineData("""{"format":"qcow2","virtual-size":5,"format-specific":"x"}""", "qcow2", "makes no sense")]
    [InlineData("[]", "qcow2", "makes no sense")]
    [InlineData("null", "qcow2", "makes no sense")]
    [InlineData("", "qcow2", "makes no sense")]
    [InlineData("qemu-img: could not open", "qcow2", "makes no sense")]
    public void Anything_else_is_refused_with_its_reason(string json, string declared, string reason) =>
        ImageInfo.Judge(json, declared).ShouldBeOfType<InspectOutcome.Refused>().Reason.ShouldContain(reason);
}
