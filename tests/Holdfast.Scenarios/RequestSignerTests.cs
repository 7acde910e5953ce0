using Holdfast.Cli.CloudStack;
using Holdfast.Protocol;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios;

public sealed class RequestSignerTests
{
    [Fact]
    public void Sign_TheDeveloperGuidesSample_GivesItsSignature() => SignatureOf(
        "VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ",
        ("command", "listUsers"),
        ("response", "json"),
        ("apiKey", "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg")).ShouldBe("TTpdDq/7j/J58XCRHomKoQXEQds=");

    [Fact]
    public void Sign_ReservedCharactersAndBrackets_AreEncodedAsTheServerDoes() => SignatureOf(
        "SECRET",
        ("apiKey", "AKEY"),
        ("command", "createStoragePool"),
        ("details[0].resourceGroup", "acs-basic"),
        ("name", "a b+c*d~e/f(é)"),
        ("response", "json"),
        ("url", "linstor://10.0.0.1")).ShouldBe("tJ8xZcA2743TJ39c/a7t1DKHRHQ=");

    [Fact]
    public void Sign_NamesOfMixedCase_AreSortedUpperCaseFirst() => SignatureOf(
        "SECRET", ("Name", "z"), ("apiKey", "AKEY"), ("command", "listZones"), ("response", "json"), ("zoneId", "1")).ShouldBe("Y0VPbHpLDRQnFSaRzbhLZL7fNT4=");

    private static string SignatureOf(string secret, params (string Name, string Value)[] parameters)
    {
        var query = RequestSigner.Sign(parameters.Select(parameter => KeyValuePair.Create(parameter.Name, parameter.Value)), new Secret(secret));
        return Uri.UnescapeDataString(query.Split("signature=")[1]);
    }
}
