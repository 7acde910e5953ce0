using System.Globalization;
using System.Net;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>The envelope, the errors and the credentials, over a real socket.</summary>
public sealed class WireTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task An_empty_list_is_an_empty_object()
    {
        var answer = await host.CallAsync(host.Other, "listVolumes");

        answer.ShouldSucceed();
        answer.Text.ShouldBe("""{"listvolumesresponse":{}}""");
        answer.ContentType.ShouldBe("application/json; charset=UTF-8");
    }

    [Theory]
    [InlineData("GET", "/client/api")]
    [InlineData("GET", "/client/api/")]
    [InlineData("POST", "/client/api")]
    [InlineData("POST", "/client/api/")]
    public async Task Both_methods_work_with_and_without_a_slash(string method, string path)
    {
        List<KeyValuePair<string, string>> all = [new("COMMAND", "LISTZONES"), new("Response", "json"), new("APIKEY", host.User.ApiKey)];
        all.Add(new("Signature", SignatureCheck.Sign(all, host.User.SecretKey)));
        var query = method == "GET" ? host.Query(all).Query : "";
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(host.Endpoint, path + query));
        if (method == "POST")
        {
            request.Content = new FormUrlEncodedContent(all);
        }

        var answer = await host.SendAsync(request);

        answer.ShouldSucceed();
        answer.Envelope.ShouldBe("listzonesresponse");
        answer.Body.GetProperty("count").GetInt32().ShouldBe(1);
        answer.List("zone").Single().GetProperty("id").GetString().ShouldBe(host.Zone.Id.ToString());
    }

    [Fact]
    public async Task A_missing_command_and_an_unknown_one_are_told_apart()
    {
        using var nothing = new HttpRequestMessage(HttpMethod.Get, host.Endpoint);
        var none = (await host.SendAsync(nothing)).ShouldFail(432);
        none.Envelope.ShouldBe("errorresponse");
        none.ErrorText.ShouldBe("Invalid request, no command sent");

        // With a signature, as upstream, a command that does not exist is one that may not be called.
        (await host.CallAsync(host.Admin, "makeCoffee")).ShouldFail(401).Envelope.ShouldBe("errorresponse");

        var session = await LogInAsync(host.Admin);
        var unknown = (await session.CallAsync("makeCoffee")).ShouldFail(432);
        unknown.Envelope.ShouldBe("errorresponse");
        unknown.ErrorText.ShouldBe("Unknown API command: makeCoffee");
    }

    [Fact]
    public async Task An_error_carries_its_code_its_text_and_its_header()
    {
        var answer = (await host.CallAsync(host.Admin, "startVirtualMachine")).ShouldFail(431);

        answer.Text.ShouldBe("""{"startvirtualmachineresponse":{"uuidList":[],"errorcode":431,"cserrorcode":9999,"errortext":"Unable to execute API command startvirtualmachine due to missing parameter id"}}""");
        answer.Description.ShouldBe("Unable to execute API command startvirtualmachine due to missing parameter id");
    }

    [Fact]
    public async Task An_id_that_does_not_exist_is_told_with_the_words_clients_look_for()
    {
        var id = Guid.NewGuid().ToString();

        var answer = (await host.CallAsync(host.Admin, "startVirtualMachine", ("id", id))).ShouldFail(431);

        answer.ErrorText!.ShouldContain($"Invalid parameter id value={id} due to incorrect long value format, or entity does not exist");
    }

    [Fact]
    public async Task A_value_with_control_characters_is_refused()
    {
        var answer = (await host.CallAsync(host.Admin, "listZones", ("name", "a\u0007b"))).ShouldFail(431);

        answer.ErrorText.ShouldBe("Received value containing illegal ASCII non-printable characters for parameter name");
    }

    [Fact]
    public async Task An_error_text_that_is_not_ascii_does_not_break_the_header()
    {
        var answer = (await host.CallAsync(host.Admin, "listTemplates", ("templatefilter", "schön"))).ShouldFail(431);

        answer.ErrorText!.ShouldContain("schön");
        answer.Description!.ShouldContain("sch?n");
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Endpoint)
        {
            Content = new FormUrlEncodedContent([new("command", "listZones"), new("name", new string('x', 3 * 1024 * 1024))]),
        };

        // The server answers without reading it: a client that goes on sending may find the connection closed before it looks for the answer.
        request.Headers.ExpectContinue = true;

        (await host.SendAsync(request)).ShouldFail(400);
    }

    [Fact]
    public async Task A_body_that_is_no_form_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Endpoint) { Content = new StringContent("""{"command":"listZones"}""", null, "application/json") };

        (await host.SendAsync(request)).ShouldFail(400);
    }

    [Fact]
    public async Task Too_many_parameters_are_refused() =>
        (await host.CallAsync(host.Admin, "listZones", [.. Enumerable.Range(0, 1100).Select(i => ($"p{i}", "1"))])).ShouldFail(400);

    [Fact]
    public async Task A_wrong_signature_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, host.Query([new("command", "listZones"), new("apiKey", host.User.ApiKey), new("signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]));

        var answer = (await host.SendAsync(request)).ShouldFail(401);

        answer.Text.ShouldBe("""{"listzonesresponse":{"uuidList":[],"errorcode":401,"errortext":"unable to verify user credentials and/or request signature"}}""");
    }

    [Theory]
    [InlineData(10, 200)]
    [InlineData(-10, 401)]
    public async Task A_signature_of_version_3_ends(int minutes, int status)
    {
        var expires = host.Time.GetUtcNow().AddMinutes(minutes);
        foreach (var format in new[] { "yyyy-MM-dd'T'HH:mm:ss'+0000'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.fff'+00:00'" })
        {
            var answer = await host.CallAsync(host.User, "listZones", ("signatureVersion", "3"), ("expires", expires.ToString(format, CultureInfo.InvariantCulture)));
            answer.Code.ShouldBe(status, format);
        }
    }

    [Fact]
    public async Task A_signature_of_version_3_needs_an_end() =>
        (await host.CallAsync(host.User, "listZones", ("signatureVersion", "3"))).ShouldFail(401);

    [Fact]
    public async Task Without_credentials_nothing_is_answered()
    {
        (await host.CallAsync(null, "listZones")).ShouldFail(401);
        (await host.CallAsync(null, "makeCoffee")).ShouldFail(401);
    }

    [Fact]
    public async Task A_login_gives_a_session_and_a_logout_ends_it()
    {
        var login = (await host.SendAsync(null, HttpMethod.Post, "login", ("username", "ULLA"), ("password", ApiHost.Password), ("domain", "/a"))).ShouldSucceed();
        login.Body.GetProperty("userid").GetString().ShouldBe(host.User.Row.Id.ToString());
        login.Body.GetProperty("timeout").GetInt32().ShouldBe(1800);
        login.Body.GetProperty("type").GetString().ShouldBe("0");
        login.Cookies.Count.ShouldBe(2);
        foreach (var cookie in login.Cookies)
        {
            cookie.ShouldContain("path=/client");
            cookie.ShouldContain("httponly");
            cookie.ShouldContain("samesite=lax");
        }

        var session = Session.Of(host, login);
        (await session.CallAsync("listZones")).ShouldSucceed();
        (await session.CallAsync("logout")).Text.ShouldBe("""{"logoutresponse":{"description":"success"}}""");
        (await session.CallAsync("listZones")).ShouldFail(401);
    }

    [Fact]
    public async Task A_session_needs_its_key_as_cookie_and_as_parameter()
    {
        var session = await LogInAsync(host.User);

        (await (session with { Key = null }).CallAsync("listZones")).ShouldFail(401);
        (await (session with { Key = "x" }).CallAsync("listZones")).ShouldFail(401);
        (await (session with { KeyCookie = null }).CallAsync("listZones")).ShouldFail(401);
        (await (session with { KeyCookie = "x" }).CallAsync("listZones")).ShouldFail(401);
        (await (session with { Token = "x" }).CallAsync("listZones")).ShouldFail(401);

        // Another site can make a browser send cookies, not the key: it cannot log the user out either.
        (await (session with { Key = null }).CallAsync("logout")).ShouldSucceed();
        (await session.CallAsync("listZones")).ShouldSucceed();
    }

    [Fact]
    public async Task A_login_by_get_is_refused() =>
        (await host.CallAsync(null, "login", ("username", "ulla"), ("password", ApiHost.Password))).ShouldFail(405);

    [Theory]
    [InlineData("ulla", "wrong", "/a")]
    [InlineData("ulla", ApiHost.Password, "/")]
    [InlineData("nobody", ApiHost.Password, "/a")]
    public async Task Bad_credentials_are_refused_alike(string user, string password, string domain)
    {
        var answer = (await host.SendAsync(null, HttpMethod.Post, "login", ("username", user), ("password", password), ("domain", domain))).ShouldFail(531);

        answer.ErrorText.ShouldBe($"Failed to authenticate user {user} in domain {domain}; please provide valid credentials");
        answer.Cookies.ShouldBeEmpty();
    }

    [Fact]
    public async Task Texts_of_inner_failures_are_for_root_administrators()
    {
        var zone = ("zoneid", host.Zone.Id.ToString());
        host.Operations.Answers["RegisterAsync"] = _ => throw new InvalidOperationException("the secret inside");
        (string, string)[] parameters = [("name", "t"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", "http://example.org/x"), zone];

        (await host.CallAsync(host.Admin, "registerTemplate", parameters)).ShouldFail(530).ErrorText.ShouldBe("the secret inside");
        (await host.CallAsync(host.User, "registerTemplate", parameters)).ShouldFail(530).Text.ShouldNotContain("secret");
    }

    [Fact]
    public async Task No_credential_reaches_the_log()
    {
        var session = await LogInAsync(host.User);
        await session.CallAsync("listZones");
        await host.CallAsync(host.User, "getUserKeys", ("id", host.User.Row.Id.ToString()));
        await host.CallAsync(host.User, "listZones", ("signature", "x"));
        await host.CallAsync(host.Admin, "createStoragePool", ("name", "p"), ("url", "linstor://c"), ("zoneid", host.Zone.Id.ToString()), ("details[0].lin.auth.apitoken", "TOKEN-TOKEN"));

        var lines = host.Log.Lines;
        lines.ShouldNotBeEmpty();
        foreach (var secret in new[] { session.Token, session.Key!, ApiHost.Password, host.User.SecretKey, "TOKEN-TOKEN", "signature=" })
        {
            lines.ShouldNotContain(line => line.Contains(secret, StringComparison.OrdinalIgnoreCase));
            lines.ShouldNotContain(line => line.Contains(Uri.EscapeDataString(secret), StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task A_job_that_makes_something_names_it()
    {
        var job = new JobId(Guid.NewGuid());
        var volume = Guid.NewGuid();
        host.Operations.Accept("CreateAsync", job, volume);
        var offering = Rows.DiskOffering();
        await host.InsertAsync(offering);

        var answer = await host.CallAsync(host.User, "createVolume", ("diskofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()));

        answer.Text.ShouldBe($$$"""{"createvolumeresponse":{"id":"{{{volume}}}","jobid":"{{{job}}}"}}""");
        host.Operations.Answers.TryRemove("CreateAsync", out _);
    }

    private async Task<Session> LogInAsync(TestUser user) => Session.Of(
        host,
        (await host.SendAsync(null, HttpMethod.Post, "login", ("username", user.Name), ("password", ApiHost.Password), ("domain", user.Domain.Path))).ShouldSucceed());

    private sealed record Session(ApiHost Host, string Token, string? KeyCookie, string? Key)
    {
        public static Session Of(ApiHost host, ApiAnswer login)
        {
            var key = login.Body.GetProperty("sessionkey").GetString()!;
            var token = login.Cookies.Single(c => c.StartsWith("JSESSIONID=", StringComparison.Ordinal)).Split(';')[0]["JSESSIONID=".Length..];
            return new Session(host, WebUtility.UrlDecode(token), key, key);
        }

        public async Task<ApiAnswer> CallAsync(string command)
        {
            List<KeyValuePair<string, string>> all = [new("command", command)];
            if (Key is not null)
            {
                all.Add(new("sessionkey", Key));
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, Host.Query(all));
            request.Headers.Add("Cookie", $"JSESSIONID={Token}" + (KeyCookie is null ? "" : $"; sessionkey={KeyCookie}"));
            return await Host.SendAsync(request);
        }
    }
}
