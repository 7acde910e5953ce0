using System.Text.Json;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Startup;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Startup;

/// <summary>The password that the first administrator is given, and how it is changed: with nothing but what admin.ini says.</summary>
public sealed class FirstPasswordTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-first-").FullName;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_is_changed_by_what_admin_ini_says_and_admin_ini_shows_it_no_longer()
    {
        await using (var host = await StartAsync())
        {
            var first = await LineAsync("# password:  ");
            (await LogInAsync(host, first)).ShouldBe(200);
            var user = (await CallAsync(host, "listUsers", ("username", "admin"))).GetProperty("listusersresponse").GetProperty("user")[0].GetProperty("id").GetString()!;

            (await CallAsync(host, "updateUser", ("id", user), ("password", "my own"), ("currentpassword", first))).GetProperty("updateuserresponse").TryGetProperty("user", out _).ShouldBeTrue();

            (await LogInAsync(host, first)).ShouldBe(531);
            (await LogInAsync(host, "my own")).ShouldBe(200);
        }

        await using var again = await StartAsync();

        var ini = await File.ReadAllTextAsync(Ini, Token);
        ini.ShouldContain("# user name: admin\n");
        ini.ShouldNotContain("# password");
        (await CallAsync(again, "listZones")).TryGetProperty("listzonesresponse", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_password_that_was_not_changed_stays_in_admin_ini()
    {
        string first;
        await using (await StartAsync())
        {
            first = await LineAsync("# password:  ");
        }

        await using var again = await StartAsync();

        (await LineAsync("# password:  ")).ShouldBe(first);
    }

    private string Ini => Path.Combine(_folder, "admin.ini");

    private async Task<ServerHost> StartAsync()
    {
        var host = ServerHost.Build(new ServerOptions { Data = _folder, Port = 0, AgentPort = 0 });
        await host.StartAsync(Token);
        return host;
    }

    private async Task<string> LineAsync(string name) => (await File.ReadAllLinesAsync(Ini, Token)).Single(l => l.StartsWith(name, StringComparison.Ordinal))[name.Length..];

    private async Task<int> LogInAsync(ServerHost host, string password)
    {
        using var form = new FormUrlEncodedContent([new("command", "login"), new("username", "admin"), new("password", password)]);
        using var answer = await _http.PostAsync(new Uri(host.ApiAddress, "/client/api"), form, Token);
        return (int)answer.StatusCode;
    }

    private async Task<JsonElement> CallAsync(ServerHost host, string command, params (string Name, string Value)[] parameters)
    {
        List<KeyValuePair<string, string>> all =
            [new("command", command), new("response", "json"), new("apiKey", await LineAsync("key = ")), .. parameters.Select(p => new KeyValuePair<string, string>(p.Name, p.Value))];
        all.Add(new("signature", SignatureCheck.Sign(all, await LineAsync("secret = "))));
        using var form = new FormUrlEncodedContent(all);
        using var answer = await _http.PostAsync(new Uri(host.ApiAddress, "/client/api"), form, Token);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token)).RootElement;
    }
}
