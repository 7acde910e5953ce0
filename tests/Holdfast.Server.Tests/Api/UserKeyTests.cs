using System.Globalization;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Accounts;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Pairs of keys with which users sign requests.</summary>
public sealed class UserKeyTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_has_more_pairs_than_one_and_each_ends_by_itself()
    {
        var user = await UserAsync();
        var made = await RegisterAsync(user, user, ("name", "ci"), ("description", "for the pipeline"));
        var ci = user with { ApiKey = made.GetProperty("apikey").GetString()!, SecretKey = made.GetProperty("secretkey").GetString()! };

        made.GetProperty("name").GetString().ShouldBe("ci");
        made.GetProperty("description").GetString().ShouldBe("for the pipeline");
        made.GetProperty("userid").GetString().ShouldBe(user.Row.Id.ToString());
        made.GetProperty("state").GetString().ShouldBe("ENABLED");
        made.TryGetProperty("enddate", out _).ShouldBeFalse();
        (await host.CallAsync(user, "listZones")).ShouldSucceed();
        (await host.CallAsync(ci, "listZones")).ShouldSucceed();

        // Who knows of one pair alone gets the newest, and finds the user by either.
        var newest = (await host.CallAsync(user, "getUserKeys", ("id", user.Row.Id.ToString()))).ShouldSucceed().Body.GetProperty("userkeys");
        newest.EnumerateObject().Select(p => p.Name).ShouldBe(["apikey", "secretkey"]);
        (newest.GetProperty("apikey").GetString(), newest.GetProperty("secretkey").GetString()).ShouldBe((ci.ApiKey, ci.SecretKey));
        (await host.CallAsync(user, "listUsers")).List("user").Single().GetProperty("apikey").GetString().ShouldBe(ci.ApiKey);
        foreach (var key in new[] { user.ApiKey, ci.ApiKey })
        {
            (await host.CallAsync(host.Admin, "getUser", ("userapikey", key))).ShouldSucceed().Body.GetProperty("user").GetProperty("username").GetString().ShouldBe(user.Name);
        }

        var listed = (await host.CallAsync(user, "listUserKeys")).List("userkeys");
        listed.Select(k => k.GetProperty("apikey").GetString()).ShouldBe([user.ApiKey, ci.ApiKey]);
        listed.Select(k => k.GetProperty("secretkey").GetString()).ShouldBe([user.SecretKey, ci.SecretKey]);
        (await host.CallAsync(user, "listUserKeys", ("keyword", "PIPELINE"))).List("userkeys").Length.ShouldBe(1);
        (await host.CallAsync(user, "listUserKeys", ("apikeyfilter", user.ApiKey))).List("userkeys").Length.ShouldBe(1);

        await DeleteAsync(ci, listed[0].GetProperty("id").GetString()!);
        (await host.CallAsync(user, "listZones")).ShouldFail(401);
        (await host.CallAsync(ci, "listUserKeys")).List("userkeys").Length.ShouldBe(1);
        (await host.CallAsync(ci, "deleteUserKeys", ("keypairid", listed[0].GetProperty("id").GetString()!))).ShouldFail(431);
        await DeleteAsync(host.Admin, made.GetProperty("id").GetString()!);
        (await host.CallAsync(ci, "listZones")).ShouldFail(401);
        (await host.CallAsync(host.Admin, "getUserKeys", ("id", user.Row.Id.ToString()))).Body.GetProperty("userkeys").GetProperty("apikey").GetString().ShouldBe("");
    }

    [Fact]
    public async Task Keys_are_taken_from_their_start_to_their_end()
    {
        var user = await UserAsync();
        var now = host.Time.GetUtcNow();
        var later = await RegisterAsync(user, user, ("startdate", ApiDate.Format(now.AddHours(1))), ("enddate", ApiDate.Format(now.AddHours(2))));
        var brief = await RegisterAsync(user, user, ("enddate", ApiDate.Format(now.AddHours(1))));
        var (early, short_) = (Of(user, later), Of(user, brief));

        later.GetProperty("state").GetString().ShouldBe("DISABLED");
        (await host.CallAsync(early, "listZones")).ShouldFail(401);
        (await host.CallAsync(short_, "listZones")).ShouldSucceed();
        (await host.CallAsync(user, "getUserKeys", ("id", user.Row.Id.ToString()))).Body.GetProperty("userkeys").GetProperty("apikey").GetString().ShouldBe(short_.ApiKey);

        await SetAsync(later, k => k with { Starts = now.AddHours(-1) });
        await SetAsync(brief, k => k with { Ends = now.AddSeconds(-1) });
        (await host.CallAsync(early, "listZones")).ShouldSucceed();
        (await host.CallAsync(short_, "listZones")).ShouldFail(401);
        (await host.CallAsync(user, "listUserKeys", ("keypairid", brief.GetProperty("id").GetString()!))).List("userkeys").Single().GetProperty("state").GetString().ShouldBe("EXPIRED");

        (await RegisterRawAsync(user, user, ("enddate", ApiDate.Format(now.AddHours(-1))))).ShouldFail(431).ErrorText!.ShouldContain("is over");
        (await RegisterRawAsync(user, user, ("startdate", ApiDate.Format(now.AddHours(2))), ("enddate", ApiDate.Format(now.AddHours(1))))).ShouldFail(431);
        (await RegisterRawAsync(user, user, ("rules[0].rule", "listZones"), ("rules[0].permission", "allow"))).ShouldFail(431).ErrorText!.ShouldContain("rules");
        (await host.CallAsync(user, "listUserKeys")).List("userkeys").Length.ShouldBe(3);
    }

    [Fact]
    public async Task Nobody_else_reads_makes_or_ends_them()
    {
        var (user, other) = (await UserAsync(), await UserAsync());
        var pair = (await host.CallAsync(user, "listUserKeys")).List("userkeys").Single().GetProperty("id").GetString()!;
        var elsewhere = await host.AddUserAsync(Name("elsewhere"), await host.AddDomainAsync(Name("keys")), 2);
        foreach (var stranger in new[] { other, elsewhere })
        {
            (await RegisterRawAsync(stranger, user)).ShouldFail(431);
            (await host.CallAsync(stranger, "deleteUserKeys", ("keypairid", pair))).ShouldFail(431);
            (await host.CallAsync(stranger, "listUserKeys", ("keypairid", pair))).ShouldFail(431);
            (await host.CallAsync(stranger, "listUserKeys", ("userid", user.Row.Id.ToString()))).ShouldFail(431);
            (await host.CallAsync(stranger, "listUserKeys", ("apikeyfilter", user.ApiKey))).List("userkeys").ShouldBeEmpty();
            (await host.CallAsync(stranger, "listUserKeys", ("listall", "true"))).Text.ShouldNotContain(user.ApiKey);
        }

        // Another user of the same account is another person.
        await host.Database.WriteAsync((db, ct) => db.Users.Where(u => u.Id == other.Row.Id).Set(u => u.AccountId, user.Account.Id).UpdateAsync(ct), Token);
        (await host.CallAsync(other, "listUserKeys", ("userid", user.Row.Id.ToString()))).List("userkeys").ShouldBeEmpty();
        (await host.CallAsync(other, "deleteUserKeys", ("keypairid", pair))).ShouldFail(431);

        // Administrators of its domain: of one user with the secret, of all without; of root administrators none.
        (await host.CallAsync(host.DomainAdmin, "listUserKeys", ("userid", user.Row.Id.ToString()))).List("userkeys").Single().GetProperty("secretkey").GetString().ShouldBe(user.SecretKey);
        var all = await host.CallAsync(host.DomainAdmin, "listUserKeys", ("listall", "true"));
        all.Text.ShouldContain(user.ApiKey);
        all.Text.ShouldNotContain("secretkey");
        all.Text.ShouldNotContain(host.Admin.ApiKey);
        var roots = (await host.CallAsync(host.Admin, "listUserKeys")).List("userkeys")[0].GetProperty("id").GetString()!;
        (await host.CallAsync(host.DomainAdmin, "listUserKeys", ("keypairid", roots))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "deleteUserKeys", ("keypairid", roots))).ShouldFail(431);
        (await host.CallAsync(user, "listZones")).ShouldSucceed();
    }

    [Fact]
    public async Task They_end_with_their_user_and_are_so_many_at_most()
    {
        var user = await UserAsync();
        await host.InsertAsync(Enumerable.Range(0, UserKeyOperations.MostPairs - 1).Select(i => new UserKeyRow
        {
            Id = new UserKeyId(Guid.NewGuid()), UserId = user.Row.Id, ApiKey = $"{user.Name}-{i}", SecretKey = "sealed", Created = Rows.Now,
        }));
        (await RegisterRawAsync(user, user)).ShouldFail(431).ErrorText!.ShouldContain("which is the most");

        (await host.CallAsync(host.Admin, "deleteUser", ("id", user.Row.Id.ToString()))).ShouldSucceed();
        (await host.Database.ReadAsync((db, ct) => db.UserKeys.CountAsync(k => k.UserId == user.Row.Id, ct), Token)).ShouldBe(0);
        (await host.CallAsync(user, "listZones")).ShouldFail(401);
    }

    private static string Name(string stem) => $"{stem}{Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture)}";

    private static TestUser Of(TestUser user, JsonElement keys) => user with { ApiKey = keys.GetProperty("apikey").GetString()!, SecretKey = keys.GetProperty("secretkey").GetString()! };

    private Task<TestUser> UserAsync() => host.AddUserAsync(Name("keyed"), host.User.Domain, 0);

    private Task<ApiAnswer> RegisterRawAsync(TestUser by, TestUser user, params (string, string)[] more) => host.SendAsync(by, HttpMethod.Post, "registerUserKeys", [("id", user.Row.Id.ToString()), .. more]);

    private async Task<JsonElement> RegisterAsync(TestUser by, TestUser user, params (string, string)[] more) => (await RegisterRawAsync(by, user, more)).ShouldSucceed().Body.GetProperty("userkeys");

    private async Task DeleteAsync(TestUser by, string pair)
    {
        var job = (await host.CallAsync(by, "deleteUserKeys", ("keypairid", pair))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        (await host.CallAsync(host.Admin, "queryAsyncJobResult", ("jobid", job))).ShouldSucceed().Body.GetProperty("jobstatus").GetInt32().ShouldBe(1);
    }

    private Task SetAsync(JsonElement keys, Func<UserKeyRow, UserKeyRow> change)
    {
        var id = new UserKeyId(Guid.Parse(keys.GetProperty("id").GetString()!));
        return host.Database.WriteAsync(async (db, ct) => await db.UpdateAsync(change(await db.UserKeys.SingleAsync(k => k.Id == id, ct)), token: ct), Token);
    }
}
