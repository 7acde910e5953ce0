using System.Text;
using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

public sealed class ImageContentTests
{
    [Theory]
    [InlineData("fd377a585a0000", "xz")]
    [InlineData("1f8b0800", "gzip")]
    [InlineData("425a6839314159265359", "bzip2")]
    [InlineData("425a6839177245385090", "bzip2")]
    [InlineData("28b52ffd04", "zstd")]
    [InlineData("502a4d1804000000", "zstd")]
    [InlineData("504b0304", "zip")]
    [InlineData("504b0506", "zip")]
    public void What_is_packed_is_known_by_its_first_bytes_whatever_it_is_called(string hex, string name) =>
        Of(hex).ShouldBeOfType<ImageContent.Packed>().Compression.Name.ShouldBe(name);

    [Theory]
    [InlineData("514649fb00000003", 0, "qcow2")]
    [InlineData("4b444d5601000000", 0, "vmdk")]
    [InlineData("76686478", 0, "vhdx")]
    [InlineData("7f10dabe", 0x40, "vdi")]
    [InlineData("4344303031", 0x8001, "ISO 9660")]
    [InlineData("7573746172", 257, "tar")]
    [InlineData("377abcaf271c", 0, "7z")]
    [InlineData("04224d18", 0, "lz4")]
    public void A_container_declared_as_raw_is_refused_by_its_name(string hex, int at, string name)
    {
        var head = new byte[ImageContent.HeadLength];
        (hex == "76686478" ? "vhdxfile"u8.ToArray() : Convert.FromHexString(hex)).CopyTo(head, at);
        ImageContent.Of(head, new byte[512]).Refuse("raw")!.ShouldContain(name);
    }

    [Fact]
    public void A_fixed_vhd_which_is_raw_but_for_its_end_is_refused() =>
        ImageContent.Of(new byte[4096], [.. "conectix"u8, .. new byte[504]]).Refuse("raw")!.ShouldContain("vhd");

    [Theory]
    [InlineData("<!DOCTYPE html><html><body>Not here</body></html>", "HTML")]
    [InlineData("\uFEFF \r\n<HTML lang=de>Über", "HTML")]
    [InlineData("<?xml version=\"1.0\"?><Error/>", "XML")]
    [InlineData("Not found\n", "text")]
    [InlineData("{\"error\":404}", "text")]
    public void A_page_or_a_message_is_no_image(string text, string kind)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        ImageContent.Of(bytes, bytes).Refuse("raw")!.ShouldContain(kind);
        ImageContent.Of(bytes, bytes).Refuse("qcow2")!.ShouldContain(kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("33c08ed0bc007c8ec08ed8be007cbf00")]
    [InlineData("425a6839ff")]
    [InlineData("eb6390")]
    public void The_content_of_a_disk_is_left_alone(string hex) => Of(hex).Refuse("raw").ShouldBeNull();

    [Fact]
    public void A_qcow2_that_is_declared_as_one_is_left_alone() => Of("514649fb00000003").Refuse("qcow2").ShouldBeNull();

    private static ImageContent Of(string hex) => ImageContent.Of(Convert.FromHexString(hex), Convert.FromHexString(hex));
}
