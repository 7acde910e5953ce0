using FsCheck;
using FsCheck.Fluent;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Startup;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>
/// Requests that nobody in their right mind sends: any parameter of a command, in any form of a name, with any text. Each is answered in CloudStack's form, none by an error inside, and what
/// is refused changes nothing.
/// </summary>
public sealed class AnyRequestTests(AnyRequestHost host) : IClassFixture<AnyRequestHost>
{
    private const int Requests = 600;

    // What ends a session or makes one is not signed.
    private static readonly ApiCommand[] Commands = [.. ServerCommands.Table.All.Where(c => (c.Roles & Roles.Anonymous) == 0)];

    [Fact]
    public async Task Whatever_is_sent_is_answered_and_a_refusal_changes_nothing()
    {
        var before = await host.QuietVersionAsync();
        (await host.CallAsync(host.Admin, "createInstanceGroup", ("name", "seen"))).ShouldSucceed();
        (await host.VersionAsync()).ShouldNotBe(before, "a change is seen when there is one");
        var requests = Arb.From(Request(), Smaller);

        // Properties wait for their answers on the thread that checks them.
        await Task.Run(() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(Requests).WithEndSize(6), Prop.ForAll(requests, HoldsAsync)), TestContext.Current.CancellationToken);

        // It has looked at something.
        _refused.Keys.ShouldContain(431);
        _refused.Values.Sum().ShouldBeGreaterThan(Requests / 10);
        _done.ShouldBeGreaterThan(Requests / 20);
    }

    private readonly Dictionary<int, int> _refused = [];
    private int _done;

    private async Task<bool> HoldsAsync(AnyRequest request)
    {
        // What an earlier request has set going may write once more: only a change that comes again is this request's.
        for (var look = 0; ; look++)
        {
            var before = await host.QuietVersionAsync();
            var answer = await host.SendAsync(request.AsRoot ? host.Admin : host.User, request.ByPost ? HttpMethod.Post : HttpMethod.Get, request.Command, [.. request.Parameters]);
            answer.Envelope.ShouldNotBeNullOrEmpty();
            if (answer.Code == 200)
            {
                _done++;
                return true;
            }

            _refused[answer.Code] = _refused.GetValueOrDefault(answer.Code) + 1;

            answer.ShouldFail(answer.Code).ErrorText.ShouldNotBeNullOrWhiteSpace();
            answer.Code.ShouldNotBe(530, answer.Text);
            if (await host.VersionAsync() == before)
            {
                return true;
            }

            look.ShouldBeLessThan(3, $"it was refused and something changed: {answer.Text}");
        }
    }

    private Gen<AnyRequest> Request()
    {
        string[] sane = ["true", "0", "1", "-1", "2", "all", "KVM", "zone1", "a", "x,y", $"{host.Zone.Id}", $"{host.User.Account.Id}", $"{host.User.Domain.Id}", host.User.Account.Name, "2026-01-01"];
        string[] odd =
        [
            string.Empty, " ", "\0", "\u0001\u001f", "a\nb", "\t", "\u202e", "😀", "ÿ", new string('x', 256), new string('é', 5000), "%", "%00", "'; --", "\"", "<b>", "{", "{\"a\":1}", "[0]",
            "NaN", "1e309", "99999999999999999999", "-9223372036854775808", "2147483648", "1.5", ",", ",,", "a,,b", "../../etc/passwd", "2024-13-45", "0001-01-01", "9999-12-31T23:59:59+1400",
            Guid.Empty.ToString(), "00000000-0000-0000-0000-00000000000a", "null", "undefined", "=", "a=b", "&", "+", "0x10", "１２",
        ];
        var values = Gen.Frequency((3, Gen.Elements(sane)), (3, Gen.Elements(odd)), (1, ArbMap.Default.GeneratorFor<string>().Select(text => text ?? string.Empty)));
        return
            from command in Gen.Elements(Commands)
            let known = command.Parameters.Select(p => p.Name).Append("listall").Append("pagesize").ToArray()
            let names =
                from name in Gen.Elements(known)
                from form in Gen.Frequency(
                    (8, Gen.Constant("{0}")),
                    (3, Gen.Elements("{0}[0].key", "{0}[0].value", "{0}[0].a", "{0}[1].key", "{0}[0]", "{0}[", "{0}[0].", "{0}[-1].a", "{0}[99999999999].a", "{0}[0].a.b", "{0}.a", "{0}[a].b")),
                    (1, Gen.Elements("{0} ", "x{0}", "{0}\0")))
                from upper in Gen.Elements(false, false, true)
                select string.Format(System.Globalization.CultureInfo.InvariantCulture, form, upper ? name.ToUpperInvariant() : name)
            from parameters in (from name in names from value in values select (name, value)).ListOf()
            from required in Gen.Elements(true, false)
            from sound in values.ListOf(command.Parameters.Count(p => p.IsRequired))
            from asRoot in Gen.Elements(true, false)
            from byPost in Gen.Elements(true, false)
            select new AnyRequest(
                command.Name, [.. required ? command.Parameters.Where(p => p.IsRequired).Select((p, place) => (p.Name, sound[place])) : [], .. parameters], asRoot, byPost);
    }

    private static IEnumerable<AnyRequest> Smaller(AnyRequest request) =>
        request.Parameters.Select((_, place) => request with { Parameters = [.. request.Parameters.Where((_, other) => other != place)] });

    private sealed record AnyRequest(string Command, IReadOnlyList<(string Name, string Value)> Parameters, bool AsRoot, bool ByPost)
    {
        public override string ToString() =>
            $"{(ByPost ? "POST" : "GET")} {Command} as {(AsRoot ? "root" : "user")}: {string.Join(" & ", Parameters.Select(p => $"{Uri.EscapeDataString(p.Name)}={Uri.EscapeDataString(p.Value)}"))}";
    }
}

/// <summary>A server that carries out what it is told, on which nothing happens by itself.</summary>
public sealed class AnyRequestHost : ApiHost
{
    private SqliteConnection? _look;

    private protected override bool RecordsOperations => false;

    private protected override void Configure(IServiceCollection services) => services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1) });

    /// <summary>A number that is another one after each change of the database.</summary>
    internal async Task<long> VersionAsync()
    {
        if (_look is null)
        {
            var file = Directory.GetFiles(Folder, "*.db").ShouldHaveSingleItem();
            _look = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
            await _look.OpenAsync(TestContext.Current.CancellationToken);
        }

        await using var command = _look.CreateCommand();
        command.CommandText = "PRAGMA data_version";
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>The number once nothing has changed for a moment.</summary>
    internal async Task<long> QuietVersionAsync()
    {
        var version = await VersionAsync();
        await TestNode.UntilAsync(
            async () =>
            {
                var before = version;
                await Task.Delay(5, TestContext.Current.CancellationToken);
                version = await VersionAsync();
                return version == before;
            },
            () => "a moment without a change of the database");
        return version;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_look is not null)
        {
            await _look.DisposeAsync();
        }

        await base.DisposeAsync();
    }
}
