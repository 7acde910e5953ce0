using System.Net;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Startup;

public sealed class ServerCommandLineTests
{
    [Fact]
    public void Nothing_but_the_folder_is_needed() => Called.With().ShouldBe(new ServerOptions { Data = "/d", HoldsData = true });

    [Fact]
    public void All_of_it_is_told()
    {
        var files = Called.With("--port", "1", "--agent-port", "2", "--listen", "::", "--agent-listen", "10.0.0.1", "--tls-certificate", "/c.pem", "--database", "/db", "--log", "json");
        files.ShouldBe(new ServerOptions
        {
            Data = "/d",
            HoldsData = true,
            Port = 1,
            AgentPort = 2,
            Listen = IPAddress.IPv6Any,
            AgentListen = IPAddress.Parse("10.0.0.1"),
            Tls = new ApiTls.Files("/c.pem", "/c.pem"),
            DatabaseFile = "/db",
            JsonLog = true,
        });
        Called.With("--tls-certificate", "/c.pem", "--tls-key", "/k.pem").Tls.ShouldBe(new ApiTls.Files("/c.pem", "/k.pem"));
        Called.With("--tls-names", "a.example.org, 10.0.0.1").Tls.ShouldBeOfType<ApiTls.OwnAuthority>().Names.ShouldBe(["a.example.org", "10.0.0.1"]);
        Called.With("--trusted-proxies", "10.0.0.1, fd00::/8").TrustedProxies.ShouldBe([IPNetwork.Parse("10.0.0.1/32"), IPNetwork.Parse("fd00::/8")]);
        Called.With("--allow-image-hosts", "a.example.org, b").AllowImageHosts.ShouldBe(["a.example.org", "b"]);
        Called.With("--allow-plain-http").AllowPlainHttp.ShouldBeTrue();
    }

    [Fact]
    public void A_path_that_begins_with_an_at_sign_is_a_path_and_no_file_with_arguments() =>
        Called.With("--database", "@db").DatabaseFile.ShouldBe(Path.GetFullPath("@db"));

    [Theory]
    [InlineData("--tls-key", "/k.pem")]
    [InlineData("--tls-certificate", "/c.pem", "--tls-names", "a.example.org")]
    [InlineData("--tls-names", "")]
    [InlineData("--tls-names", "a b")]
    [InlineData("--agent-listen", "everywhere")]
    [InlineData("--tls-certificate")]
    [InlineData("--tls-certificate", "--log", "json")]
    [InlineData("--trusted-proxies", "")]
    [InlineData("--trusted-proxies", "proxy.example.org")]
    [InlineData("--trusted-proxies", "10.0.0.0/99")]
    [InlineData("--port", "65536")]
    [InlineData("--port", "-1")]
    [InlineData("--log", "xml")]
    [InlineData("--database", "")]
    [InlineData("--log", "text", "--log", "json")]
    [InlineData("--verbose")]
    [InlineData("serve")]
    public void What_makes_no_sense_is_refused_by_the_name_of_the_option(params string[] arguments) => Called.Wrong(arguments).ShouldContain(arguments[0]);
}
