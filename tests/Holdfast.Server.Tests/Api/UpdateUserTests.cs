using System.Net;
using Holdfast.Server.Accounts;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>updateUser, above all the password: who may, by what, and what ends with it.</summary>
public abstract class UpdateUserTests
{
    private readonly ApiHost _host;

    private protected UpdateUserTests(ApiHost host) => _host = host;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_changes_the_own_password_by_the_current_one_and_all_sessions_of_it_end()
    {
        await ResetAsync();
        var mine = await LogInAsync(_host.User, ApiHost.Password);
        var other = await LogInAsync(_host.User, ApiHost.Password);
        var otto = await LogInAsync(_host.Other, ApiHost.Password);

        var answer = (await ChangeAsync(_host.User, _host.User, "another horse", ApiHost.Password)).ShouldSucceed();

        answer.Body.GetProperty("user").GetProperty("username").GetString().ShouldBe(_host.User.Name);
        answer.Text.ShouldNotContain("horse");
        (await ListZonesAsync(mine)).ShouldFail(401);
        (await ListZonesAsync(other)).ShouldFail(401);
        (await ListZonesAsync(otto)).ShouldSucceed();
        (await LogInAnswerAsync(_host.User, ApiHost.Password)).ShouldFail(531);
        (await ListZonesAsync(await LogInAsync(_host.User, "another horse"))).ShouldSucceed();
        var events = (await _host.CallAsync(_host.User, "listEvents", ("type", "USER.UPDATE"))).List("event");
        events.ShouldContain(e => e.GetProperty("description").GetString() == $"New password for user {_host.User.Name} ({_host.User.Row.Id}); all sessions of the user ended");
        events[0].GetProperty("username").GetString().ShouldBe(_host.User.Name);
    }

    [Fact]
    public async Task A_user_does_not_change_the_own_password_without_the_current_one()
    {
        await ResetAsync();
        var session = await LogInAsync(_host.User, ApiHost.Password);

        (await ChangeAsync(_host.User, _host.User, "another horse", null)).ShouldFail(431).ErrorText.ShouldBe("To set a new password the current password must be provided.");
        var wrong = (await ChangeAsync(_host.User, _host.User, "another horse", "no horse")).ShouldFail(431);
        wrong.ErrorText.ShouldBe("Current password is incorrect.");
        wrong.Body.GetProperty("cserrorcode").GetInt32().ShouldBe(4350);
        foreach (var blank in new[] { "", "   " })
        {
            (await ChangeAsync(_host.User, _host.User, blank, ApiHost.Password)).ShouldFail(431).ErrorText.ShouldBe("Password cannot be empty or blank.");
        }

        (await ListZonesAsync(session)).ShouldSucceed();
        await LogInAsync(_host.User, ApiHost.Password);
    }

    [Fact]
    public async Task Whoever_guesses_the_current_password_is_slowed_down_like_one_who_guesses_at_the_login()
    {
        var throttle = _host.Service<LoginThrottle>();
        for (var i = 0; i < 15; i++)
        {
            throttle.Failed(_host.Other.Name, "127.0.0.1");
        }

        try
        {
            (await ChangeAsync(_host.Other, _host.Other, "another horse", ApiHost.Password)).ShouldFail(431).ErrorText.ShouldBe("Current password is incorrect.");
        }
        finally
        {
            throttle.Succeeded(_host.Other.Name, "127.0.0.1");
        }

        await LogInAsync(_host.Other, ApiHost.Password);
    }

    [Fact]
    public async Task A_root_administrator_sets_the_password_of_others()
    {
        await ResetAsync();
        var session = await LogInAsync(_host.User, ApiHost.Password);

        (await ChangeAsync(_host.Admin, _host.User, "given horse", null)).ShouldSucceed();

        (await ListZonesAsync(session)).ShouldFail(401);
        await LogInAsync(_host.User, "given horse");
    }

    [Fact]
    public async Task An_administrator_changes_the_own_password_as_CloudStacks_web_interface_asks_it()
    {
        await ResetAsync();

        // CloudStack's form for administrators has no field for the current password; one that is sent must be right.
        (await ChangeAsync(_host.Admin, _host.Admin, "another horse", "no horse")).ShouldFail(431).ErrorText.ShouldBe("Current password is incorrect.");
        (await ChangeAsync(_host.Admin, _host.Admin, "another horse", null)).ShouldSucceed();
        (await ChangeAsync(_host.DomainAdmin, _host.DomainAdmin, "another horse", null)).ShouldSucceed();

        await LogInAsync(_host.Admin, "another horse");
        await LogInAsync(_host.DomainAdmin, "another horse");
    }

    [Fact]
    public async Task Nobody_else_changes_a_user_nor_learns_that_it_is_there()
    {
        await ResetAsync();

        foreach (var stranger in new[] { await _host.AddUserAsync("dana", await _host.AddDomainAsync("b"), 2), _host.Other })
        {
            var nobody = Guid.NewGuid().ToString();
            var theirs = (await ChangeAsync(stranger, _host.User, "another horse", ApiHost.Password)).ShouldFail(431);
            var missing = (await _host.SendAsync(stranger, HttpMethod.Post, "updateUser", ("id", nobody), ("password", "x"), ("currentpassword", "y"))).ShouldFail(431);
            theirs.Text.Replace(_host.User.Row.Id.ToString(), "ID", StringComparison.Ordinal).ShouldBe(missing.Text.Replace(nobody, "ID", StringComparison.Ordinal));
        }

        await LogInAsync(_host.User, ApiHost.Password);
    }

    [Fact]
    public async Task A_password_that_was_changed_while_the_current_one_was_checked_is_not_changed_again()
    {
        await ResetAsync();
        var caller = new Caller(_host.User.Row.Id, _host.User.Name, _host.User.Account.Id, _host.User.Domain.Id, false);

        var outcome = await _host.Service<IUserOperations>().UpdateAsync(
            caller,
            new UpdateUser { Id = _host.User.Row.Id, Password = new NewPassword("hash", "the hash that was checked") },
            Token);

        outcome.ShouldBeOfType<Outcome<Core.Ids.UserId>.Refused>().Fault.Text.ShouldBe("Current password is incorrect.");
        await LogInAsync(_host.User, ApiHost.Password);
    }

    [Fact]
    public async Task What_else_is_sent_is_changed_and_what_is_not_stays()
    {
        await ResetAsync();
        var session = await LogInAsync(_host.User, ApiHost.Password);

        var user = (await _host.SendAsync(
            _host.User,
            HttpMethod.Post,
            "updateUser",
            ("id", _host.User.Row.Id.ToString()),
            ("firstname", "Ulrike"),
            ("email", "ulla@example.net"),
            ("timezone", "Europe/Vienna"),
            ("username", _host.User.Name))).ShouldSucceed().Body.GetProperty("user");

        user.GetProperty("firstname").GetString().ShouldBe("Ulrike");
        user.GetProperty("lastname").GetString().ShouldBe("Last");
        user.GetProperty("email").GetString().ShouldBe("ulla@example.net");
        user.GetProperty("timezone").GetString().ShouldBe("Europe/Vienna");
        (await ListZonesAsync(session)).ShouldSucceed();
        var taken = await _host.SendAsync(_host.User, HttpMethod.Post, "updateUser", ("id", _host.User.Row.Id.ToString()), ("username", "OTTO"));
        taken.ShouldFail(431).ErrorText!.ShouldContain("OTTO");
    }

    // Every test begins with the same passwords, whatever the one before it did.
    private Task ResetAsync()
    {
        var hash = PasswordHash.Create(ApiHost.Password);
        UserRow[] users = [_host.Admin.Row, _host.DomainAdmin.Row, _host.User.Row];
        return _host.Database.WriteAsync(
            async (db, ct) =>
            {
                foreach (var user in users)
                {
                    await db.Users.Where(u => u.Id == user.Id).Set(u => u.PasswordHash, hash).UpdateAsync(ct);
                }
            },
            Token);
    }

    private Task<ApiAnswer> ChangeAsync(TestUser caller, TestUser user, string password, string? current) => _host.SendAsync(
        caller,
        HttpMethod.Post,
        "updateUser",
        [("id", user.Row.Id.ToString()), ("password", password), .. current is null ? Array.Empty<(string, string)>() : [("currentpassword", current)]]);

    private Task<ApiAnswer> LogInAnswerAsync(TestUser user, string password) =>
        _host.SendAsync(null, HttpMethod.Post, "login", ("username", user.Name), ("password", password), ("domain", user.Domain.Path));

    private async Task<(string Token, string Key)> LogInAsync(TestUser user, string password)
    {
        var login = (await LogInAnswerAsync(user, password)).ShouldSucceed();
        var token = login.Cookies.Single(c => c.StartsWith("JSESSIONID=", StringComparison.Ordinal)).Split(';')[0]["JSESSIONID=".Length..];
        return (WebUtility.UrlDecode(token), login.Body.GetProperty("sessionkey").GetString()!);
    }

    private async Task<ApiAnswer> ListZonesAsync((string Token, string Key) session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _host.Query([new("command", "listZones"), new("sessionkey", session.Key)]));
        request.Headers.Add("Cookie", $"JSESSIONID={session.Token}; sessionkey={session.Key}");
        return await _host.SendAsync(request);
    }

    /// <summary>On SQLite.</summary>
    public sealed class OnSqlite(RealApiHost host) : UpdateUserTests(host), IClassFixture<RealApiHost>;

    /// <summary>On PostgreSQL.</summary>
    public sealed class OnPostgreSql(RealPostgreSqlApiHost host) : UpdateUserTests(host), IClassFixture<RealPostgreSqlApiHost>;
}

/// <summary>A node on PostgreSQL with the operations behind it.</summary>
public sealed class RealPostgreSqlApiHost : PostgreSqlApiHost
{
    private protected override bool RecordsOperations => false;
}
