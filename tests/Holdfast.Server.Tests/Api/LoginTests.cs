using System.Net;
using System.Security.Cryptography;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Logins by password: what is kept of the password, and what a burst of them costs the others.</summary>
public abstract class LoginTests
{
    private static readonly IPAddress Elsewhere = IPAddress.Parse("192.0.2.1");
    private readonly ApiHost _host;

    private protected LoginTests(ApiHost host) => _host = host;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PasswordDesk Desk => _host.Service<PasswordDesk>();

    [Fact]
    public async Task A_hash_of_our_former_format_still_logs_in_once_and_is_made_anew()
    {
        await StoreAsync(Former(ApiHost.Password));

        (await LogInAsync("wrong")).ShouldFail(531);
        (await StoredAsync()).ShouldStartWith("pbkdf2-sha256.");
        (await LogInAsync(ApiHost.Password)).ShouldSucceed();

        var fresh = await StoredAsync();
        RoundsOf(fresh).ShouldBe(PasswordHash.Rounds);
        (await LogInAsync(ApiHost.Password)).ShouldSucceed();
        (await StoredAsync()).ShouldBe(fresh, "a hash as strong as one made now is left alone");
    }

    [Fact]
    public async Task A_hash_with_fewer_rounds_is_made_anew_when_its_user_logs_in()
    {
        var hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = 1000 }));
        await StoreAsync(hasher.HashPassword(new object(), ApiHost.Password));

        (await LogInAsync("wrong")).ShouldFail(531);
        RoundsOf(await StoredAsync()).ShouldBe(1000);
        (await LogInAsync(ApiHost.Password)).ShouldSucceed();

        RoundsOf(await StoredAsync()).ShouldBe(PasswordHash.Rounds);
        (await LogInAsync(ApiHost.Password)).ShouldSucceed();
    }

    [Fact]
    public async Task A_login_is_an_event_that_tells_where_from()
    {
        await StoreAsync(PasswordHash.Create(ApiHost.Password));

        (await LogInAsync(ApiHost.Password)).ShouldSucceed();

        var told = (await _host.CallAsync(_host.User, "listEvents", ("type", "USER.LOGIN"))).List("event")[0];
        told.GetProperty("description").GetString().ShouldBe("user has logged in from IP Address 127.0.0.1");
        told.GetProperty("username").GetString().ShouldBe(_host.User.Name);
    }

    [Fact]
    public async Task A_refused_login_is_told_without_what_was_typed()
    {
        await StoreAsync(PasswordHash.Create(ApiHost.Password));

        (await LogInAsync("wrong horse")).ShouldFail(531);
        (await _host.SendAsync(null, HttpMethod.Post, "login", ("username", "typed-in-the-wrong-field"), ("password", "x"))).ShouldFail(531);

        _host.Log.Lines.ShouldContain(l => l == $"A login as {_host.User.Name} ({_host.User.Row.Id}) from 127.0.0.1 was refused");
        _host.Log.Lines.ShouldContain(l => l.StartsWith("A login as nobody here", StringComparison.Ordinal) && l.EndsWith("from 127.0.0.1 was refused", StringComparison.Ordinal));
        _host.Log.Lines.ShouldNotContain(l => l.Contains("wrong horse", StringComparison.Ordinal) || l.Contains("typed-in-the-wrong-field", StringComparison.Ordinal));
        (await LogInAsync(ApiHost.Password)).ShouldSucceed();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("no hash at all")]
    [InlineData("AAAA")]
    public async Task Nobody_logs_in_where_there_is_no_hash(string? stored)
    {
        await StoreAsync(stored);

        (await LogInAsync(ApiHost.Password)).ShouldFail(531);
    }

    [Fact]
    public async Task A_login_beyond_those_that_may_wait_is_refused_and_says_so_and_takes_nothing_from_others()
    {
        await StoreAsync(PasswordHash.Create(ApiHost.Password));
        using (var place = await Desk.EnterAsync(Elsewhere, Token))
        {
            place.ShouldNotBeNull();
            using var gaveUp = new CancellationTokenSource();
            var waiting = Desk.EnterAsync(Elsewhere, gaveUp.Token);

            var refused = (await LogInAsync(ApiHost.Password)).ShouldFail(429);

            refused.ErrorText.ShouldBe("Too many passwords are being checked at this moment, this one was not; please try again in a few seconds");
            refused.Body.GetProperty("cserrorcode").GetInt32().ShouldBe(4545);
            refused.Cookies.ShouldBeEmpty();
            (await _host.CallAsync(_host.User, "listZones")).ShouldSucceed();
            await gaveUp.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        }

        (await LogInAsync(ApiHost.Password)).ShouldSucceed();
    }

    [Fact]
    public async Task A_login_that_waits_for_its_place_holds_no_transaction()
    {
        await StoreAsync(PasswordHash.Create(ApiHost.Password));
        Task<ApiAnswer> login;
        using (await Desk.EnterAsync(Elsewhere, Token))
        {
            login = LogInAsync(ApiHost.Password);

            // On SQLite there is one writer: a transaction of the login would keep this one out until the end of the block.
            await _host.InsertAsync(Rows.ServiceOffering());
            login.IsCompleted.ShouldBeFalse();
        }

        (await login).ShouldSucceed();
    }

    [Fact]
    public async Task A_peer_has_not_all_places()
    {
        var peer = IPAddress.Parse("2001:db8::1");
        using var desk = new PasswordDesk(new LoginThrottle(TimeProvider.System), new PasswordDeskLimits { AtOnce = 3, Waiting = 0, PerPeer = 2 }, TimeProvider.System);
        using var first = await desk.EnterAsync(peer, Token);
        using var second = await desk.EnterAsync(peer, Token);

        (await desk.EnterAsync(IPAddress.Parse("2001:db8::2"), Token)).ShouldBeNull("another address of the same network is the same peer");
        using var other = await desk.EnterAsync(Elsewhere, Token);
        other.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_session_is_not_made_by_a_password_that_was_changed_while_it_was_checked()
    {
        await StoreAsync(PasswordHash.Create(ApiHost.Password));
        var now = _host.Time.GetUtcNow();
        var session = new SessionRecord(_host.User.Row.Id, Guid.NewGuid().ToString(), "k", now, now, now.AddHours(1));
        var store = _host.Service<ISessionStore>();

        (await store.AddAsync(session, new LoginProof("the hash it was checked against", "fresh", Elsewhere), Token)).ShouldBeNull();

        (await store.FindAsync(session.TokenHash, now, Token)).ShouldBeNull();
        (await StoredAsync()).ShouldNotBe("fresh");
    }

    private static string Former(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, 210_000, HashAlgorithmName.SHA256, 32);
        return $"pbkdf2-sha256.210000.{Convert.ToBase64String(salt)}.{Convert.ToBase64String(hash)}";
    }

    // The framework's format: a mark, then the function (2: HMAC-SHA512) and the rounds, in network order.
    private static int RoundsOf(string stored)
    {
        var bytes = Convert.FromBase64String(stored);
        bytes[..5].ShouldBe([1, 0, 0, 0, 2]);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(5));
    }

    private Task<ApiAnswer> LogInAsync(string password) =>
        _host.SendAsync(null, HttpMethod.Post, "login", ("username", _host.User.Name), ("password", password), ("domain", _host.User.Domain.Path));

    private Task StoreAsync(string? hash) =>
        _host.Database.WriteAsync((db, ct) => db.Users.Where(u => u.Id == _host.User.Row.Id).Set(u => u.PasswordHash, hash).UpdateAsync(ct), Token);

    private async Task<string> StoredAsync() =>
        (await _host.Database.ReadAsync((db, ct) => db.Users.Where(u => u.Id == _host.User.Row.Id).Select(u => u.PasswordHash).SingleAsync(ct), Token))!;

    /// <summary>On SQLite.</summary>
    public sealed class OnSqlite(FewPasswordsApiHost host) : LoginTests(host), IClassFixture<FewPasswordsApiHost>;

    /// <summary>On PostgreSQL.</summary>
    public sealed class OnPostgreSql(FewPasswordsPostgreSqlApiHost host) : LoginTests(host), IClassFixture<FewPasswordsPostgreSqlApiHost>;
}

/// <summary>A node that checks one password at once, and lets one more wait.</summary>
public sealed class FewPasswordsApiHost : ApiHost
{
    internal static PasswordDeskLimits Few => new() { AtOnce = 1, Waiting = 1, Patience = TimeSpan.FromMinutes(1) };

    private protected override void Configure(IServiceCollection services) => services.AddSingleton(Few);
}

/// <summary>The same on PostgreSQL.</summary>
public sealed class FewPasswordsPostgreSqlApiHost : PostgreSqlApiHost
{
    private protected override void Configure(IServiceCollection services) => services.AddSingleton(FewPasswordsApiHost.Few);
}
