using System.IO.Compression;
using System.Text;
using Holdfast.Core.Guests;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Guests;

/// <summary>Two documents of user data as one; that cloud-init reads it is shown with Debian's own (CloudInitTests).</summary>
public sealed class CombinedUserDataTests
{
    private const int Much = 1 << 20;

    [Fact]
    public void Each_document_is_a_part_of_its_kind_in_order()
    {
        var text = Text(CombinedUserData.Of(Base64("#cloud-config\nruncmd: [a]\n"), Base64("#!/bin/sh\necho hello\n"), Much));

        var lines = text.Split('\n');
        lines[0].ShouldStartWith("Content-Type: multipart/mixed; boundary=\"");
        lines[1].ShouldBe("MIME-Version: 1.0");
        var boundary = lines[0].Split('"')[1];
        var parts = text.Split($"--{boundary}");
        parts.Length.ShouldBe(4);
        parts[3].ShouldBe("--\n");
        parts[1].ShouldContain("Content-Type: text/cloud-config; charset=\"utf-8\"\n");
        parts[1].ShouldContain("Merge-Type: list(append)");
        parts[1].ShouldContain(Base64("#cloud-config\nruncmd: [a]\n"));
        parts[2].ShouldContain("Content-Type: text/x-shellscript; charset=\"utf-8\"\n");
        parts[2].ShouldNotContain("Merge-Type");
        CombinedUserData.Of(Base64("#cloud-config\nruncmd: [a]\n"), Base64("#!/bin/sh\necho hello\n"), Much).ShouldBe(Base64(text), "the same each time");
    }

    [Theory]
    [InlineData("#cloud-config\n", "text/cloud-config;")]
    [InlineData("\n  #Cloud-Config\n", "text/cloud-config;")]
    [InlineData("#cloud-config-archive\n", "text/cloud-config-archive;")]
    [InlineData("#cloud-config-jsonp\n", "text/cloud-config-jsonp;")]
    [InlineData("## template: jinja\n#cloud-config\n", "text/jinja2;")]
    [InlineData("#include\nhttp://example.org\n", "text/x-include-url;")]
    [InlineData("#include-once\n", "text/x-include-once-url;")]
    [InlineData("#cloud-boothook\n", "text/cloud-boothook;")]
    [InlineData("#part-handler\n", "text/part-handler;")]
    [InlineData("#!/usr/bin/python3\n", "text/x-shellscript;")]
    [InlineData("key=value\n", "text/plain;")]
    [InlineData("#cloud-config\n# MIME-Version: 1.0\n", "text/cloud-config;")]
    [InlineData("\0\u0001", "application/octet-stream\n")]
    public void A_documents_kind_is_told_by_its_beginning(string document, string type) =>
        Text(CombinedUserData.Of(Base64("#!/bin/sh\n"), Base64(document), Much)).ShouldContain($"Content-Type: {type}");

    [Fact]
    public void A_compressed_document_is_unpacked_and_one_with_parts_stays_as_it_is()
    {
        const string message = "Content-Type: multipart/mixed; boundary=\"own\"\nMIME-Version: 1.0\n\n--own\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--own--";
        var text = Text(CombinedUserData.Of(Convert.ToBase64String(Packed("#cloud-config\nx: 1\n"u8.ToArray())), Base64(message), Much));

        text.ShouldContain(Base64("#cloud-config\nx: 1\n"));
        text.ShouldContain($"\n{message}\n--");
        Text(CombinedUserData.Of(Convert.ToBase64String([0x1f, 0x8b, 1, 2, 3]), Base64(message), Much)).ShouldContain("Content-Type: application/gzip\n");

        // What says that it is tiny and is not stays packed.
        var bomb = Packed(new byte[9 << 20]);
        Text(CombinedUserData.Of(Convert.ToBase64String(bomb), Base64("#!/bin/sh\n"), Much)).ShouldContain("Content-Type: application/gzip\n");
    }

    [Fact]
    public void What_would_be_too_long_is_compressed_and_refused_where_that_does_not_help()
    {
        var document = Base64("#!/bin/sh\n" + new string('#', 3000));
        var combined = Convert.FromBase64String(CombinedUserData.Of(document, document, 4000).ShouldNotBeNull());
        combined[..2].ShouldBe([0x1f, 0x8b]);
        using var gzip = new GZipStream(new MemoryStream(combined), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip);
        reader.ReadToEnd().ShouldStartWith("Content-Type: multipart/mixed");

        var bytes = new byte[3000];
        new Random(7).NextBytes(bytes);
        CombinedUserData.Of(Convert.ToBase64String(bytes), document, 4000).ShouldBeNull();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Text(string? base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64.ShouldNotBeNull()));

    private static byte[] Packed(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        return packed.ToArray();
    }
}
