using System.Security.Cryptography;
using System.Text;
using Holdfast.Server.Api.Authentication;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

public sealed class SignatureCheckTests
{
    private const string GuideKey = "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg";
    private const string GuideSecret = "VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ";

    private static readonly KeyValuePair<string, string>[] Pool =
    [
        new("apiKey", "AKEY"), new("command", "createStoragePool"), new("details[0].resourceGroup", "acs-basic"), new("name", "a b+c*d~e/f(é)"),
        new("response", "json"), new("url", "linstor://10.0.0.1"),
    ];

    private static readonly KeyValuePair<string, string>[] MixedCase =
    [
        new("zoneId", "1"), new("command", "listZones"), new("Name", "z"), new("response", "json"), new("apiKey", "AKEY"),
    ];

    [Fact]
    public void The_sample_of_the_developer_guide_verifies()
    {
        KeyValuePair<string, string>[] parameters = [new("apiKey", GuideKey), new("command", "listUsers"), new("response", "json")];

        SignatureCheck.Verify(parameters, GuideSecret, "TTpdDq/7j/J58XCRHomKoQXEQds=", out var tried).ShouldBeTrue();
        tried.ShouldBe(1);
        SignatureCheck.Canonical(parameters).ShouldBe($"apikey={GuideKey.ToLowerInvariant()}&command=listusers&response=json");
        SignatureCheck.Sign(parameters, GuideSecret).ShouldBe("TTpdDq/7j/J58XCRHomKoQXEQds=");
    }

    [Theory]
    [InlineData("tJ8xZcA2743TJ39c/a7t1DKHRHQ=")] // CloudStack's own
    [InlineData("RrR6V+kAmh7lcpo1AiXcu+vODvI=")] // * as %2A
    [InlineData("7HEQWn5d1noIvg4jjApvnPRca8Y=")] // ~ raw
    public void Clients_that_encode_differently_verify(string signature) =>
        SignatureCheck.Verify(Pool, "SECRET", signature, out _).ShouldBeTrue();

    [Fact]
    public void The_canonical_text_keeps_brackets_in_names_and_lowers_values() =>
        SignatureCheck.Canonical(Pool).ShouldBe(
            "apikey=akey&command=createstoragepool&details[0].resourcegroup=acs-basic&name=a%20b%2bc*d%7ee%2ff%28%c3%a9%29&response=json&url=linstor%3a%2f%2f10.0.0.1");

    [Theory]
    [InlineData("Y0VPbHpLDRQnFSaRzbhLZL7fNT4=")] // ordinal sort
    [InlineData("4/c/9/z6TUV+4urXxta5FoExBag=")] // sort that ignores case
    public void Clients_that_sort_differently_verify(string signature) =>
        SignatureCheck.Verify(MixedCase, "SECRET", signature, out _).ShouldBeTrue();

    [Theory]
    [InlineData("cs", false, true, true, false, false)]
    [InlineData("cloudstack-go", false, true, true, false, false)]
    [InlineData("libcloud", true, true, true, true, false)]
    [InlineData("marvin", true, true, true, false, false)]
    [InlineData("marvin on an old Python", true, false, true, false, false)]
    [InlineData("CloudStack.Net", true, true, false, false, false)]
    [InlineData("CloudStack.Net with a version added after signing", true, true, false, false, true)]
    public void Each_known_client_verifies_with_every_awkward_character(string client, bool ignoreCase, bool rawTilde, bool rawStar, bool rawBrackets, bool addsVersion)
    {
        List<KeyValuePair<string, string>> parameters =
        [
            new("apiKey", "AKEY"), new("Zone", "ü[1]*~"), new("command", "listZones"), new("details[0].key", "a~b*c[0] d/+"),
        ];
        var sorted = ignoreCase ? parameters.OrderBy(p => p.Key.ToLowerInvariant(), StringComparer.Ordinal) : parameters.OrderBy(p => p.Key, StringComparer.Ordinal);
        var canonical = string.Join('&', sorted.Select(p => $"{p.Key}={Encode(p.Value)}")).ToLowerInvariant();
        var signature = Convert.ToBase64String(HMACSHA1.HashData("SECRET"u8, Encoding.UTF8.GetBytes(canonical)));
        if (addsVersion)
        {
            parameters.Add(new("signatureVersion", "3"));
        }

        parameters.Add(new("signature", signature));

        SignatureCheck.Verify(parameters, "SECRET", signature, out var tried).ShouldBeTrue(client);
        tried.ShouldBeLessThanOrEqualTo(SignatureCheck.MaxForms);

        string Encode(string value)
        {
            var text = Uri.EscapeDataString(value);
            text = rawTilde ? text : text.Replace("~", "%7E", StringComparison.Ordinal);
            text = rawStar ? text.Replace("%2A", "*", StringComparison.Ordinal) : text;
            return rawBrackets ? text.Replace("%5B", "[", StringComparison.Ordinal).Replace("%5D", "]", StringComparison.Ordinal) : text;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("not base64 at all, but 28 c.")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("TTpdDq/7j/J58XCRHomKoQXEQds=TTpdDq/7j/J58XCRHomKoQXEQds=")]
    public void A_wrong_signature_never_verifies(string signature)
    {
        SignatureCheck.Verify(Pool, "SECRET", signature, out var tried).ShouldBeFalse();
        tried.ShouldBeLessThanOrEqualTo(SignatureCheck.MaxForms);
    }

    [Fact]
    public void Every_value_is_signed()
    {
        for (var i = 0; i < Pool.Length; i++)
        {
            var changed = Pool.ToArray();
            changed[i] = new(changed[i].Key, changed[i].Value + "x");
            SignatureCheck.Verify(changed, "SECRET", "tJ8xZcA2743TJ39c/a7t1DKHRHQ=", out _).ShouldBeFalse(changed[i].Key);
        }

        SignatureCheck.Verify([.. Pool, new("extra", "1")], "SECRET", "tJ8xZcA2743TJ39c/a7t1DKHRHQ=", out _).ShouldBeFalse();
    }
}
