using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

public sealed class ExpectedChecksumTests
{
    private static readonly string Hex32 = new('a', 32);
    private static readonly string Hex40 = new('b', 40);
    private static readonly string Hex64 = new('0', 64);
    private static readonly string Hex128 = new('f', 128);

    public static TheoryData<string, string?> Texts => new()
    {
        { Hex32, "MD5" }, { Hex40, "SHA1" }, { Hex64, "SHA256" }, { Hex128, "SHA512" },
        { "{MD5}" + Hex32, "MD5" }, { "{SHA-1}" + Hex40, "SHA1" }, { "{sha1}" + Hex40, "SHA1" }, { "{SHA-256}" + Hex64, "SHA256" }, { "{SHA256}" + Hex64, "SHA256" },
        { "{SHA-512}" + Hex128, "SHA512" }, { "{SHA-512} " + Hex128, "SHA512" }, { " " + Hex64 + "\n", "SHA256" }, { Hex64.Replace('0', 'A'), "SHA256" },
        { "", null }, { "{}", null }, { "{}" + Hex64, null }, { "{SHA-256}", null }, { "{SHA-256}" + Hex32, null }, { "{MD5}" + Hex64, null }, { "{CRC}" + Hex64, null },
        { Hex64[..63], null }, { Hex64 + "0", null }, { "g" + Hex64[1..], null }, { "{SHA-256" + Hex64, null }, { "SHA-256:" + Hex64, null }, { "0x" + Hex64[2..], null },
        { new string('١', 64), null },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_text_is_a_checksum_or_is_not(string text, string? algorithm)
    {
        var read = ExpectedChecksum.TryParse(text);
        (read?.Algorithm.Name).ShouldBe(algorithm);
        if (read is not null)
        {
            read.Hex.ShouldBe(read.Hex.Trim().ToLowerInvariant());
        }
    }
}
