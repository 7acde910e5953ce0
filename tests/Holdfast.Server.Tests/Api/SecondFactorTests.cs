using System.Globalization;
using Holdfast.Server.Accounts;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Startup;
using LinqToDB;
using LinqToDB.Async;
using OtpNet;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Logins with a second factor.</summary>
public sealed class SecondFactorTests(RealApiHost host) : IClassFixture<RealApiHost>, IAsyncLifetime
{
    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await SetAsync("enable.user.2fa", "true");

    public async ValueTask DisposeAsync()
    {
        await SetAsync("enable.user.2fa", "false");
        await SetAsync("mandate.user.2fa", "false");
    }

    /// <summary>RFC 6238, appendix B, in six digits.</summary>
    [Theory]
    [InlineData(59, "287082", 1L)]
    [InlineData(1111111109, "081804", 37037036L)]
    [InlineData(1234567890, "005924", 41152263L)]
    public void Codes_are_those_of_the_standard_and_none_is_taken_twice(long seconds, string code, long step)
    {
        const string Key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        var now = DateTimeOffset.FromUnixTimeSeconds(seconds);
        OneTimeCode.StepOf(Key, code, now, null).ShouldBe(step);
        OneTimeCode.StepOf(Key, code.Insert(3, " "), now.AddSeconds(30), step - 1).ShouldBe(step, "a step late");
        OneTimeCode.StepOf(Key, code, now.AddSeconds(60), null).ShouldBeNull("two steps late");
        OneTimeCode.StepOf(Key, code, now, step).ShouldBeNull("once more");
        OneTimeCode.StepOf(Key, code, now, step + 1).ShouldBeNull("after a later one");
        OneTimeCode.StepOf(Key, "000000", now, null).ShouldBeNull();
        OneTimeCode.StepOf(Key, "", now, null).ShouldBeNull();
        OneTimeCode.KeyOf("random").Length.ShouldBe(32);
    }

    [Fact]
    public async Task A_session_can_do_nothing_before_it_has_shown_the_factor_and_everything_after()
    {
        var user = await UserAsync();
        var other = await LogInAsync(user);
        var first = await LogInAsync(user);
        first.Body.GetProperty("is2faenabled").GetString().ShouldBe("false");
        var setup = (await SendAsync(first, "setupUserTwoFactorAuthentication", ("provider", "totp"))).ShouldSucceed().Body.GetProperty("setup2fa");
        var key = setup.GetProperty("secretcode").GetString()!;
        setup.GetProperty("username").GetString().ShouldBe(user.Name);
        (await LogInAsync(user)).Body.GetProperty("is2faenabled").GetString().ShouldBe("false", "it counts from the first code on");

        (await SendAsync(first, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", await CodeAsync(key)))).ShouldSucceed();
        (await SendAsync(first, "listZones")).ShouldSucceed();
        (await SendAsync(other, "listZones")).ShouldFail(401);
        (await SendAsync(first, "listUsers")).List("user").Single().GetProperty("is2faenabled").GetBoolean().ShouldBeTrue();
        (await SendAsync(first, "setupUserTwoFactorAuthentication")).ShouldFail(431).ErrorText!.ShouldContain("already enabled");

        var session = await LogInAsync(user);
        session.Body.GetProperty("is2faenabled").GetString().ShouldBe("true");
        session.Body.GetProperty("is2faverified").GetString().ShouldBe("false");
        session.Body.GetProperty("providerfor2fa").GetString().ShouldBe("totp");
        session.Body.GetProperty("issuerfor2fa").GetString().ShouldBe("CloudStack");
        foreach (var command in ServerCommands.Table.All.Where(c => (c.Roles & Server.Api.Commands.Roles.User) != 0 && c.Name is not ("login" or "logout")))
        {
            var answer = await SendAsync(session, command.Name);
            if (command.Name is "listApis" or "listUserTwoFactorAuthenticatorProviders" or "validateUserTwoFactorAuthenticationCode")
            {
                answer.Code.ShouldNotBe(511, command.Name);
            }
            else
            {
                answer.ShouldFail(511);
            }
        }

        // Signed requests are not asked.
        (await host.CallAsync(user, "listZones")).ShouldSucceed();
        (await SendAsync(session, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", await NextCodeAsync(user, key)))).ShouldSucceed();
        (await SendAsync(session, "listZones")).ShouldSucceed();
    }

    [Fact]
    public async Task A_code_is_taken_once_and_a_wrong_one_ends_the_session()
    {
        var user = await UserAsync();
        var key = await SetUpAsync(user);
        var (one, other) = (await LogInAsync(user), await LogInAsync(user));
        var code = await NextCodeAsync(user, key);
        (await SendAsync(one, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", code))).ShouldSucceed();
        (await SendAsync(other, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", code))).ShouldFail(511).ErrorText!.ShouldContain("used before");
        (await SendAsync(other, "listApis")).ShouldFail(401);
        (await SendAsync(one, "listZones")).ShouldSucceed();

        (await SendAsync(await LogInAsync(user), "validateUserTwoFactorAuthenticationCode", ("codefor2fa", "000000"))).ShouldFail(511);
        (await host.CallAsync(user, "listEvents", ("type", "USER.2FA.FAILED"))).List("event").Length.ShouldBe(2);

        // After many of them, from wherever, not even the right one, for a while.
        for (var i = 0; i < 60; i++)
        {
            host.Service<LoginThrottle>().Failed($"second factor of {user.Row.Id}", "elsewhere");
        }

        (await SendAsync(await LogInAsync(user), "validateUserTwoFactorAuthenticationCode", ("codefor2fa", await NextCodeAsync(user, key)))).ShouldFail(511);
    }

    [Fact]
    public async Task Where_everybody_has_to_have_one_a_session_without_can_set_one_up_and_nothing_else()
    {
        var user = await UserAsync();
        await SetAsync("mandate.user.2fa", "true");
        var session = await LogInAsync(user);
        session.Body.GetProperty("is2faverified").GetString().ShouldBe("false");
        session.Body.TryGetProperty("providerfor2fa", out _).ShouldBeFalse();
        (await SendAsync(session, "listZones")).ShouldFail(511);
        (await host.CallAsync(user, "listUsers")).List("user").Single().GetProperty("is2famandated").GetBoolean().ShouldBeTrue();

        var key = (await SendAsync(session, "setupUserTwoFactorAuthentication")).ShouldSucceed().Body.GetProperty("setup2fa").GetProperty("secretcode").GetString()!;
        (await SendAsync(session, "listZones")).ShouldFail(511);
        (await SendAsync(session, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", await CodeAsync(key)))).ShouldSucceed();
        (await SendAsync(session, "listZones")).ShouldSucceed();
        (await SendAsync(session, "setupUserTwoFactorAuthentication", ("enable", "false"))).ShouldFail(531);

        // A waiting session sets none up over one that counts.
        var waiting = await LogInAsync(user);
        (await SendAsync(waiting, "setupUserTwoFactorAuthentication")).ShouldFail(511);
        (await SendAsync(waiting, "setupUserTwoFactorAuthentication", ("enable", "false"))).ShouldFail(511);
    }

    [Fact]
    public async Task A_factor_is_taken_away_by_its_user_or_by_an_administrator_and_by_nobody_else()
    {
        var (user, stranger) = (await UserAsync(), await UserAsync());
        await SetUpAsync(user);
        var id = user.Row.Id.ToString();
        (await host.CallAsync(stranger, "setupUserTwoFactorAuthentication", ("enable", "false"), ("userid", id))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "setupUserTwoFactorAuthentication", ("userid", id))).ShouldFail(431).ErrorText!.ShouldContain("by its own user");
        (await host.CallAsync(host.DomainAdmin, "setupUserTwoFactorAuthentication", ("enable", "false"), ("userid", host.Admin.Row.Id.ToString()))).ShouldFail(431);
        (await LogInAsync(user)).Body.GetProperty("is2faenabled").GetString().ShouldBe("true");

        (await host.CallAsync(host.DomainAdmin, "setupUserTwoFactorAuthentication", ("enable", "false"), ("userid", id))).ShouldSucceed();
        (await LogInAsync(user)).Body.GetProperty("is2faenabled").GetString().ShouldBe("false");
        (await host.CallAsync(user, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", "123456"))).ShouldFail(431).ErrorText!.ShouldContain("not set up");
        await SetUpAsync(user);
        (await host.CallAsync(user, "setupUserTwoFactorAuthentication", ("enable", "false"))).ShouldSucceed();

        (await host.CallAsync(user, "setupUserTwoFactorAuthentication", ("provider", "staticpin"))).ShouldFail(431);
        await SetAsync("enable.user.2fa", "false");
        (await host.CallAsync(user, "setupUserTwoFactorAuthentication")).ShouldFail(431).ErrorText!.ShouldContain("enable.user.2fa");
        (await host.CallAsync(user, "listUserTwoFactorAuthenticatorProviders")).List("providers").Single().GetProperty("name").GetString().ShouldBe("totp");
    }

    [Fact]
    public async Task The_key_is_sealed_and_where_the_setting_is_off_nobody_is_asked()
    {
        var user = await UserAsync();
        var key = await SetUpAsync(user);
        (await host.Database.ReadAsync((db, ct) => db.Users.Where(u => u.Id == user.Row.Id).Select(u => u.TotpKey).SingleAsync(ct), Token)).ShouldNotBeNull().ShouldNotContain(key);
        host.Log.Lines.ShouldNotContain(l => l.Contains(key, StringComparison.Ordinal));
        await SetAsync("enable.user.2fa", "false");
        (await LogInAsync(user)).Body.GetProperty("is2faenabled").GetString().ShouldBe("false");
    }

    private Task<TestUser> UserAsync() => host.AddUserAsync($"factor{Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture)}", host.User.Domain, 0);

    private async Task SetAsync(string name, string value) => (await host.CallAsync(host.Admin, "updateConfiguration", ("name", name), ("value", value))).ShouldSucceed();

    private async Task<string> SetUpAsync(TestUser user)
    {
        var key = (await host.CallAsync(user, "setupUserTwoFactorAuthentication")).ShouldSucceed().Body.GetProperty("setup2fa").GetProperty("secretcode").GetString()!;
        (await host.CallAsync(user, "validateUserTwoFactorAuthenticationCode", ("codefor2fa", await CodeAsync(key)))).ShouldSucceed();
        return key;
    }

    private Task<string> CodeAsync(string key) => Task.FromResult(new Totp(Base32Encoding.ToBytes(key)).ComputeTotp(host.Time.GetUtcNow().UtcDateTime));

    // A step on, as far as the server knows: nobody waits half a minute here.
    private async Task<string> NextCodeAsync(TestUser user, string key)
    {
        await host.Database.WriteAsync((db, ct) => db.Users.Where(u => u.Id == user.Row.Id).Set(u => u.TotpStep, u => u.TotpStep - 5).UpdateAsync(ct), Token);
        return await CodeAsync(key);
    }

    private async Task<ApiAnswer> LogInAsync(TestUser user) =>
        (await host.SendAsync(null, HttpMethod.Post, "login", ("username", user.Name), ("password", ApiHost.Password), ("domain", user.Domain.Path))).ShouldSucceed();

    private async Task<ApiAnswer> SendAsync(ApiAnswer login, string command, params (string, string)[] parameters)
    {
        List<KeyValuePair<string, string>> all =
        [
            new("command", command), new("response", "json"), new("sessionkey", login.Body.GetProperty("sessionkey").GetString()!), .. parameters.Select(p => new KeyValuePair<string, string>(p.Item1, p.Item2)),
        ];
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Endpoint) { Content = new FormUrlEncodedContent(all) };
        request.Headers.Add("Cookie", string.Join("; ", login.Cookies.Select(c => c.Split(';')[0])));
        return await host.SendAsync(request);
    }
}
