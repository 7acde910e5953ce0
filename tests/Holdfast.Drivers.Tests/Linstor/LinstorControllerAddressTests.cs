using Holdfast.Drivers.Linstor.Rest;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

public sealed class LinstorControllerAddressTests
{
    [Theory]
    [InlineData("ctl", "http://ctl:3370/")]
    [InlineData("ctl:3399", "http://ctl:3399/")]
    [InlineData("10.0.0.1", "http://10.0.0.1:3370/")]
    [InlineData("10.0.0.1:80", "http://10.0.0.1/")]
    [InlineData("http://ctl", "http://ctl:3370/")]
    [InlineData("http://ctl:80", "http://ctl/")]
    [InlineData("HTTP://ctl", "http://ctl:3370/")]
    [InlineData("https://ctl", "https://ctl:3371/")]
    [InlineData("https://ctl:443", "https://ctl/")]
    [InlineData("https://ctl:3371/", "https://ctl:3371/")]
    [InlineData("linstor://ctl", "http://ctl:3370/")]
    [InlineData("linstor://ctl:4000", "http://ctl:4000/")]
    [InlineData("linstor+ssl://ctl", "https://ctl:3371/")]
    [InlineData("linstor+ssl://ctl:4001", "https://ctl:4001/")]
    [InlineData("[fd00::1]", "http://[fd00::1]:3370/")]
    [InlineData("[fd00::1]:3399", "http://[fd00::1]:3399/")]
    [InlineData("https://[fd00::1]", "https://[fd00::1]:3371/")]
    [InlineData("https://proxy/linstor", "https://proxy:3371/linstor/")]
    [InlineData("https://proxy:443/a/b/", "https://proxy/a/b/")]
    [InlineData("  ctl-1.example.org  ", "http://ctl-1.example.org:3370/")]
    public void TryParse_KnownForms_GiveTheRoot(string text, string root)
    {
        ControllerAddress.TryParse(text, out var address, out var error).ShouldBeTrue(error);
        address!.Root.AbsoluteUri.ShouldBe(root);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("ftp://ctl")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ctl:0")]
    [InlineData("ctl:65536")]
    [InlineData("ctl:-1")]
    [InlineData("ctl:port")]
    [InlineData("ctl:")]
    [InlineData(":3370")]
    [InlineData("http://")]
    [InlineData("http:///v1")]
    [InlineData("[fd00::1")]
    [InlineData("[fd00::1]x")]
    [InlineData("[fd00::1]:")]
    [InlineData("fd00::1")]
    [InlineData("a b")]
    [InlineData("ctl?x=1")]
    [InlineData("ctl#x")]
    [InlineData("ctl\\x")]
    [InlineData("ctl:3370:3371")]
    public void TryParse_Nonsense_IsRefusedWithAReason(string text)
    {
        ControllerAddress.TryParse(text, out _, out var error).ShouldBeFalse();
        error.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("http://user:hunter2@ctl")]
    [InlineData("hunter2@ctl:3370")]
    public void TryParse_UserInformation_IsRefusedWithoutEchoingIt(string text)
    {
        ControllerAddress.TryParse(text, out _, out var error).ShouldBeFalse();
        error.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("a,b", 2)]
    [InlineData("a, b ,c", 3)]
    [InlineData("a,a", 1)]
    [InlineData("a,http://a:3370", 1)]
    [InlineData("a,https://a", 2)]
    [InlineData("a,,b,", 2)]
    public void TryParseList_Lists_KeepOrderAndDropRepetitions(string text, int count)
    {
        ControllerAddress.TryParseList(text, out var addresses, out var error).ShouldBeTrue(error);
        addresses.Count.ShouldBe(count);
        addresses[0].Root.Host.ShouldBe("a");
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("a,ftp://b")]
    [InlineData("a,b:x")]
    public void TryParseList_OneBadEntry_RefusesTheList(string text)
    {
        ControllerAddress.TryParseList(text, out _, out var error).ShouldBeFalse();
        error.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("http://ctl", "https://ctl:3371/v1/controller/version", "https://ctl:3371/")]
    [InlineData("http://ctl", "https://CTL:4000/v1/controller/version", "https://ctl:4000/")]
    [InlineData("http://ctl/x", "https://ctl:3371/x/v1/controller/version", "https://ctl:3371/x/")]
    [InlineData("http://ctl", "https://ctl:3371/elsewhere", "https://ctl:3371/")]
    public void Redirected_ToHttpsOnTheSameHost_IsFollowed(string configured, string location, string root)
    {
        ControllerAddress.TryParse(configured, out var address, out _).ShouldBeTrue();
        address!.Redirected(new Uri(location), "v1/controller/version")!.Root.AbsoluteUri.ShouldBe(root);
    }

    [Theory]
    [InlineData("http://ctl", "https://evil:3371/v1/controller/version")]
    [InlineData("http://ctl", "http://ctl:3372/v1/controller/version")]
    [InlineData("http://ctl", "https://user@ctl:3371/v1/controller/version")]
    [InlineData("http://ctl", "ftp://ctl/v1/controller/version")]
    [InlineData("https://ctl", "https://ctl:3371/v1/controller/version")]
    public void Redirected_Elsewhere_IsNotFollowed(string configured, string location)
    {
        ControllerAddress.TryParse(configured, out var address, out _).ShouldBeTrue();
        address!.Redirected(new Uri(location), "v1/controller/version").ShouldBeNull();
    }

    [Fact]
    public void Redirected_WithoutALocation_IsNotFollowed()
    {
        ControllerAddress.TryParse("ctl", out var address, out _).ShouldBeTrue();
        address!.Redirected(null, "health").ShouldBeNull();
    }
}
