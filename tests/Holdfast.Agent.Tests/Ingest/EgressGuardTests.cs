using System.Net;
using Holdfast.Agent.Ingest;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ingest;

public sealed class EgressGuardTests
{
    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2600:1f18::1")]
    [InlineData("::ffff:8.8.8.8")]
    public void A_public_address_is_allowed(string address) => Guard().Allows("images.example", 443, IPAddress.Parse(address)).ShouldBeTrue();

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::7f00:1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void An_address_that_is_not_public_is_refused(string address) => Guard().Allows("images.example", 80, IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("mirror.lan", "mirror.lan", 80, true)]
    [InlineData("MIRROR.lan", "mirror.LAN", 8080, true)]
    [InlineData("mirror.lan:8080", "mirror.lan", 8080, true)]
    [InlineData("mirror.lan:8080", "mirror.lan", 80, false)]
    [InlineData("mirror.lan", "evil.mirror.lan", 80, false)]
    [InlineData("mirror.lan", "mirror.lan.evil", 80, false)]
    [InlineData("127.0.0.1:9000", "127.0.0.1", 9000, true)]
    [InlineData("127.0.0.1:9000", "127.0.0.1", 9001, false)]
    public void A_listed_host_may_be_private(string listed, string host, int port, bool allowed) =>
        Guard(listed).Allows(host, port, IPAddress.Loopback).ShouldBe(allowed);

    [Theory]
    [InlineData("http://images.example/a", null)]
    [InlineData("https://images.example/a", null)]
    [InlineData("ftp://images.example/a", "scheme")]
    [InlineData("file:///etc/shadow", "scheme")]
    [InlineData("gopher://images.example/a", "scheme")]
    [InlineData("http://user@images.example/a", "user name")]
    [InlineData("http://user:word@images.example/a", "user name")]
    public void The_form_of_a_url_is_judged_first(string url, string? named)
    {
        var refusal = EgressGuard.Refuse(new Uri(url));
        if (named is null)
        {
            refusal.ShouldBeNull();
        }
        else
        {
            refusal.ShouldNotBeNull().ShouldContain(named);
        }
    }

    private static EgressGuard Guard(params string[] listed) => new(listed);
}
