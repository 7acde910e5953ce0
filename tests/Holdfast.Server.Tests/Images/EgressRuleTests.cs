using System.Net;
using Holdfast.Protocol.Images;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Images;

public sealed class EgressRuleTests
{
    [Theory]
    [InlineData("http://127.0.0.1/x")]
    [InlineData("http://127.255.0.7:8080/x")]
    [InlineData("http://2130706433/x")]
    [InlineData("http://0x7f000001/x")]
    [InlineData("http://0x7f.1/x")]
    [InlineData("http://0177.0.0.1/x")]
    [InlineData("http://127.1/x")]
    [InlineData("http://127.0.0.1./x")]
    [InlineData("http://0/x")]
    [InlineData("http://0.0.0.0/x")]
    [InlineData("http://localhost/x")]
    [InlineData("http://LOCALHOST./x")]
    [InlineData("http://anything.localhost/x")]
    [InlineData("http://ip6-localhost/x")]
    [InlineData("http://[::1]/x")]
    [InlineData("http://[::]/x")]
    [InlineData("http://[::ffff:127.0.0.1]/x")]
    [InlineData("http://[::ffff:7f00:1]/x")]
    [InlineData("http://[::127.0.0.1]/x")]
    [InlineData("http://[64:ff9b::7f00:1]/x")]
    [InlineData("http://[2002:7f00:1::1]/x")]
    [InlineData("http://[64:ff9b:1::7f00:1]/x")]
    [InlineData("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/x")]
    [InlineData("http://[fe80::1]/x")]
    [InlineData("http://[fe80::1%25eth0]/x")]
    [InlineData("http://[ff02::1]/x")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://0xa9fea9fe/x")]
    [InlineData("http://2852039166/x")]
    [InlineData("http://[::ffff:169.254.169.254]/x")]
    [InlineData("http://[fd00:ec2::254]/x")]
    [InlineData("http://100.100.100.200/x")]
    [InlineData("http://168.63.129.16/x")]
    [InlineData("http://metadata.google.internal/x")]
    [InlineData("http://224.0.0.1/x")]
    [InlineData("http://255.255.255.255/x")]
    [InlineData("https://user:secret@example.org/x")]
    [InlineData("https://user@example.org/x")]
    [InlineData("ftp://example.org/x")]
    [InlineData("gopher://example.org/x")]
    [InlineData("data:text/plain,x")]
    [InlineData("nfs://example.org/x")]
    public void Refuses_whoever_asks(string url) => EgressRule.Refuse(new Uri(url), [], allowPrivate: true).ShouldNotBeNull();

    [Theory]
    [InlineData("http://10.1.2.3/x")]
    [InlineData("http://172.31.0.1/x")]
    [InlineData("http://192.168.1.1/x")]
    [InlineData("http://0xc0a80101/x")]
    [InlineData("http://100.64.0.1/x")]
    [InlineData("http://[fd12::1]/x")]
    [InlineData("http://[::ffff:10.1.2.3]/x")]
    public void Takes_private_networks_only_where_they_are_allowed(string url)
    {
        EgressRule.Refuse(new Uri(url), [], allowPrivate: true).ShouldBeNull();
        EgressRule.Refuse(new Uri(url), [], allowPrivate: false).ShouldNotBeNull().ShouldContain("private network");
    }

    [Theory]
    [InlineData("https://images.example.org/tiny.qcow2")]
    [InlineData("http://93.184.216.34/x")]
    [InlineData("http://172.32.0.1/x")]
    [InlineData("http://[2a00:1450::1]/x")]
    [InlineData("http://localhost.example.org/x")]
    public void Takes_what_is_public(string url) => EgressRule.Refuse(new Uri(url), [], allowPrivate: false).ShouldBeNull();

    [Theory]
    [InlineData("http://127.0.0.1:8000/x", "127.0.0.1")]
    [InlineData("http://127.0.0.1:8000/x", "127.0.0.1:8000")]
    [InlineData("http://localhost/x", "LOCALHOST")]
    [InlineData("http://[::1]:8000/x", "[::1]:8000")]
    [InlineData("http://[::1]:8000/x", "::1")]
    public void Takes_what_the_operator_listed(string url, string allowed) => EgressRule.Refuse(new Uri(url), [allowed], allowPrivate: false).ShouldBeNull();

    [Theory]
    [InlineData("http://127.0.0.1:8001/x", "127.0.0.1:8000")]
    [InlineData("http://127.0.0.2/x", "127.0.0.1")]
    [InlineData("http://user:secret@127.0.0.1/x", "127.0.0.1")]
    [InlineData("ftp://127.0.0.1/x", "127.0.0.1")]
    public void A_listed_host_opens_nothing_else(string url, string allowed) => EgressRule.Refuse(new Uri(url), [allowed], allowPrivate: true).ShouldNotBeNull();

    [Theory]
    [InlineData("127.0.0.1", AddressReach.Forbidden)]
    [InlineData("::ffff:127.0.0.1", AddressReach.Forbidden)]
    [InlineData("64:ff9b::a9fe:a9fe", AddressReach.Forbidden)]
    [InlineData("2002:0a00:0001::", AddressReach.Private)]
    [InlineData("10.0.0.1", AddressReach.Private)]
    [InlineData("8.8.8.8", AddressReach.Public)]
    [InlineData("2001:4860:4860::8888", AddressReach.Public)]
    public void Knows_how_far_an_address_reaches(string address, AddressReach reach) => EgressRule.ReachOf(IPAddress.Parse(address)).ShouldBe(reach);
}
