using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Icons: what may be one, on what, by whom, in which lists, and that they end with what has them.</summary>
public abstract class ResourceIconTests
{
    // One pixel each, as other programs wrote them.
    private const string Gif = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    private const string Jpeg =
        "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k=";

    private readonly ApiHost _host;

    private protected ResourceIconTests(ApiHost host) => _host = host;

    [Fact]
    public async Task An_icon_is_given_shown_replaced_and_taken()
    {
        var (first, second) = (await VmAsync(_host.User), await VmAsync(_host.User));
        var png = Png(2, 3);
        (await UploadAsync(_host.User, "uservm", $"{first.Id},{second.Id}", "data:image/png;base64," + png)).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();

        var icon = (await ListedAsync(_host.User, "listVirtualMachines", "virtualmachine", $"{first.Id}")).GetProperty("icon");
        icon.GetProperty("base64image").GetString().ShouldBe(png);
        icon.GetProperty("resourcetype").GetString().ShouldBe("UserVm");
        icon.GetProperty("resourceid").GetString().ShouldBe($"{first.Id}");
        (await ListedAsync(_host.User, "listVirtualMachinesMetrics", "virtualmachine", $"{first.Id}")).GetProperty("icon").GetProperty("base64image").GetString().ShouldBe(png);
        (await _host.CallAsync(_host.User, "listVirtualMachines", ("id", $"{first.Id}"))).Text.ShouldNotContain("base64image");
        (await _host.CallAsync(_host.User, "listVirtualMachines", ("id", $"{first.Id}"), ("showicon", "false"))).Text.ShouldNotContain("base64image");

        (await UploadAsync(_host.User, "UserVm", $"{first.Id}", Gif)).ShouldSucceed();
        var listed = (await _host.CallAsync(_host.User, "listResourceIcon", ("resourcetype", "UserVm"), ("resourceids", $"{first.Id},{second.Id}"))).List("icon");
        listed.Select(i => (i.GetProperty("resourceid").GetString(), i.GetProperty("base64image").GetString())).ShouldBe([($"{first.Id}", Gif), ($"{second.Id}", png)], ignoreOrder: true);
        for (var i = 0; i < 2; i++)
        {
            (await DeleteAsync(_host.User, "UserVm", $"{first.Id}")).ShouldSucceed();
        }

        (await _host.CallAsync(_host.User, "listResourceIcon", ("resourcetype", "UserVm"), ("resourceids", $"{first.Id}"))).Text.ShouldBe("""{"listresourceiconresponse":{}}""");
        (await ListedAsync(_host.User, "listVirtualMachines", "virtualmachine", $"{first.Id}")).TryGetProperty("icon", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Every_list_with_icons_shows_them_and_a_vm_has_its_templates()
    {
        var template = Rows.Template(_host.User);
        var project = Rows.Project(_host.User, $"project {Guid.NewGuid()}");
        await _host.InsertAsync(template);
        await _host.InsertAsync(project);
        await _host.InsertAsync(Rows.ProjectMember(project, _host.User));
        var vm = await VmAsync(_host.User, template);
        (TestUser Giver, string Type, string Id, string List, string Key, (string, string)[] More)[] all =
        [
            (_host.User, "Template", $"{template.Id}", "listTemplates", "template", [("templatefilter", "self")]),
            (_host.Admin, "Project", $"{project.Id}", "listProjects", "project", [("listall", "true")]),
            (_host.User, "Account", $"{_host.User.Account.Id}", "listAccounts", "account", []),
            (_host.User, "User", $"{_host.User.Row.Id}", "listUsers", "user", []),
            (_host.Admin, "Network", $"{_host.Network.Id}", "listNetworks", "network", []),
            (_host.Admin, "Zone", $"{_host.Zone.Id}", "listZones", "zone", []),
            (_host.Admin, "Domain", $"{_host.DomainAdmin.Domain.Id}", "listDomains", "domain", []),
        ];
        foreach (var (giver, type, id, list, key, more) in all)
        {
            (await UploadAsync(giver, type, id, Jpeg)).ShouldSucceed();
            (await ListedAsync(giver, list, key, id, more)).GetProperty("icon").GetProperty("resourcetype").GetString().ShouldBe(type, list);
            (await _host.CallAsync(giver, "listResourceIcon", ("resourcetype", type), ("resourceids", id))).List("icon").Single().GetProperty("base64image").GetString().ShouldBe(Jpeg);
        }

        (await ListedAsync(_host.Admin, "listZonesMetrics", "zone", $"{_host.Zone.Id}")).GetProperty("icon").GetProperty("resourceid").GetString().ShouldBe($"{_host.Zone.Id}");
        var shown = (await ListedAsync(_host.User, "listVirtualMachines", "virtualmachine", $"{vm.Id}")).GetProperty("icon");
        (shown.GetProperty("resourcetype").GetString(), shown.GetProperty("resourceid").GetString()).ShouldBe(("Template", $"{template.Id}"));
        foreach (var (giver, type, id, list, key, more) in all)
        {
            (await DeleteAsync(giver, type, id)).ShouldSucceed();
            (await ListedAsync(giver, list, key, id, more)).TryGetProperty("icon", out _).ShouldBeFalse(list);
        }
    }

    [Fact]
    public async Task What_is_no_whole_small_image_is_refused_and_nothing_is_changed()
    {
        var vm = await VmAsync(_host.User);
        var png = Convert.FromBase64String(Png(2, 3));
        (string Image, string Word)[] refused =
        [
            ("not*base64", "Base64"),
            ("aGVsbG8=", "neither a PNG"),
            (Convert.ToBase64String("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"u8), "neither a PNG"),
            ("data:image/svg+xml;base64," + Gif, "is said to be image/svg+xml"),
            ("data:image/png;base64," + Gif, "is said to be image/png"),
            ("data:image/png," + Gif, "not in Base64"),
            (Convert.ToBase64String(png[..^1]), "whole image/png"),
            (Convert.ToBase64String([.. png, 0]), "whole image/png"),
            (Convert.ToBase64String([.. png[..20], (byte)~png[20], .. png[21..]]), "whole image/png"),
            (Convert.ToBase64String([.. Convert.FromBase64String(Gif), .. "<script>"u8]), "whole image/gif"),
            (Convert.ToBase64String(Convert.FromBase64String(Gif)[..^4]), "whole image/gif"),
            (Convert.ToBase64String([.. Convert.FromBase64String(Jpeg), .. "<script>"u8]), "whole image/jpeg"),
            (Convert.ToBase64String(Convert.FromBase64String(Jpeg)[..^20]), "whole image/jpeg"),
            (Png(1025, 1), "1025 x 1 pixels"),
            (Png(0, 1), "0 x 1 pixels"),
            (Png(1, 1, padding: 131_010), "icons have at most 131072"),
        ];
        foreach (var (image, word) in refused)
        {
            var text = (await UploadAsync(_host.User, "UserVm", $"{vm.Id}", image)).ShouldFail(431).ErrorText!;
            text.ShouldContain("base64image");
            text.ShouldContain(word);
        }

        (await UploadAsync(_host.User, "UserVm", $"{vm.Id}", new string('a', 200_000))).ShouldFail(431).ErrorText!.ShouldContain("base64image");
        (await CountAsync(vm.Id.Value)).ShouldBe(0);
        foreach (var image in new[] { Gif, Jpeg, Png(1024, 1024), Png(1, 1, padding: 100_000) })
        {
            (await UploadAsync(_host.User, "UserVm", $"{vm.Id}", image)).ShouldSucceed();
        }
    }

    [Fact]
    public async Task Not_yours_is_like_not_there_and_what_is_nobodys_is_roots()
    {
        var (vm, others) = (await VmAsync(_host.User), await VmAsync(_host.Other));
        foreach (var id in new[] { $"{vm.Id}", $"{Guid.NewGuid()}", "17" })
        {
            (await UploadAsync(_host.Other, "UserVm", id, Gif)).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter resourceids value={id} due to");
            (await DeleteAsync(_host.Other, "UserVm", id)).ShouldFail(431);
            (await _host.CallAsync(_host.Other, "listResourceIcon", ("resourcetype", "UserVm"), ("resourceids", id))).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter resourceids value={id} due to");
        }

        (await UploadAsync(_host.Other, "UserVm", $"{others.Id},{vm.Id}", Gif)).ShouldFail(431);
        (await CountAsync(others.Id.Value)).ShouldBe(0);
        (await UploadAsync(_host.User, "Volume", $"{vm.Id}", Gif)).ShouldFail(431).ErrorText!.ShouldContain("Template, ");
        (await UploadAsync(_host.User, "Template", $"{vm.Id}", Gif)).ShouldFail(431);
        (await UploadAsync(_host.User, "Zone", $"{_host.Zone.Id}", Gif)).ShouldFail(531);
        (await UploadAsync(_host.User, "Domain", $"{_host.User.Domain.Id}", Gif)).ShouldFail(531);
        (await UploadAsync(_host.DomainAdmin, "Network", $"{_host.Network.Id}", Gif)).ShouldFail(531);

        // Who changes people has rules of its own, of which an icon knows nothing.
        (await UploadAsync(_host.DomainAdmin, "User", $"{_host.User.Row.Id}", Gif)).ShouldFail(531).ErrorText!.ShouldContain($"{_host.User.Row.Id}");
        (await UploadAsync(_host.DomainAdmin, "Account", $"{_host.User.Account.Id}", Gif)).ShouldFail(531);
        (await UploadAsync(_host.DomainAdmin, "Domain", $"{_host.DomainAdmin.Domain.Id}", Gif)).ShouldFail(531);
        (await _host.CallAsync(_host.DomainAdmin, "addResourceDetail", ("resourcetype", "User"), ("resourceid", $"{_host.User.Row.Id}"), ("details[0].k", "v"))).ShouldFail(531);
        var open = Rows.Template(_host.Other, isPublic: true);
        await _host.InsertAsync(open);
        (await UploadAsync(_host.User, "Template", $"{open.Id}", Gif)).ShouldFail(431);
        (await UploadAsync(_host.DomainAdmin, "UserVm", $"{vm.Id}", Gif)).ShouldSucceed();
        var gone = await VmAsync(_host.User, removed: true);
        (await UploadAsync(_host.User, "UserVm", $"{gone.Id}", Gif)).ShouldFail(431);
    }

    [Fact]
    public async Task Icons_end_with_what_has_them()
    {
        var vm = await VmAsync(_host.User);
        var template = Rows.Template(_host.User);
        await _host.InsertAsync(template);
        (await UploadAsync(_host.User, "UserVm", $"{vm.Id}", Gif)).ShouldSucceed();
        (await UploadAsync(_host.User, "Template", $"{template.Id}", Gif)).ShouldSucceed();

        (await _host.CallAsync(_host.User, "destroyVirtualMachine", ("id", $"{vm.Id}"), ("expunge", "true"))).ShouldSucceed();
        (await _host.CallAsync(_host.User, "deleteTemplate", ("id", $"{template.Id}"))).ShouldSucceed();

        (await CountAsync(vm.Id.Value)).ShouldBe(0);
        (await CountAsync(template.Id.Value)).ShouldBe(0);
        var zone = _host.Zone with { Id = new Core.Ids.ZoneId(Guid.NewGuid()), Name = $"zone {Guid.NewGuid()}", Number = 0 };
        var network = NetworkRow.DefaultOf(zone.Id, new Core.Ids.NetworkId(Guid.NewGuid()), Rows.Now);
        await _host.InsertAsync(zone);
        await _host.InsertAsync(network);
        (await UploadAsync(_host.Admin, "Zone", $"{zone.Id}", Gif)).ShouldSucceed();
        (await UploadAsync(_host.Admin, "Network", $"{network.Id}", Gif)).ShouldSucceed();
        (await _host.CallAsync(_host.Admin, "deleteZone", ("id", $"{zone.Id}"))).ShouldSucceed();
        (await CountAsync(zone.Id.Value)).ShouldBe(0);
        (await CountAsync(network.Id.Value)).ShouldBe(0);
    }

    [Fact]
    public async Task Accounts_users_and_domains_take_their_icons_along()
    {
        var domain = (await _host.CallAsync(_host.Admin, "createDomain", ("name", $"icons-{Guid.NewGuid():N}"))).ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;
        var name = $"icons-{Guid.NewGuid():N}";
        var account = (await _host.SendAsync(
            _host.Admin,
            HttpMethod.Post,
            "createAccount",
            ("accounttype", "0"),
            ("account", name),
            ("domainid", domain),
            ("username", name),
            ("password", "a long enough password"),
            ("email", "a@example.org"),
            ("firstname", "a"),
            ("lastname", "b"))).ShouldSucceed().Body.GetProperty("account");
        var (id, user) = (account.GetProperty("id").GetString()!, account.GetProperty("user")[0].GetProperty("id").GetString()!);
        foreach (var (type, of) in new[] { ("Domain", domain), ("Account", id), ("User", user) })
        {
            (await UploadAsync(_host.Admin, type, of, Gif)).ShouldSucceed();
            (await CountAsync(Guid.Parse(of))).ShouldBe(1);
        }

        (await _host.CallAsync(_host.Admin, "deleteAccount", ("id", id))).ShouldSucceed();
        (await _host.CallAsync(_host.Admin, "deleteDomain", ("id", domain))).ShouldSucceed();
        foreach (var of in new[] { domain, id, user })
        {
            (await CountAsync(Guid.Parse(of))).ShouldBe(0);
        }
    }

    // The smallest whole file: rows of nothing, and as much more as is asked for in a chunk that readers pass over.
    private static string Png(int width, int height, int padding = 0)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 1;
        Chunk("IHDR", header);
        if (padding > 0)
        {
            Chunk("tEXt", new byte[padding]);
        }

        using var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(new byte[height * (1 + ((width + 7) / 8))]);
        }

        Chunk("IDAT", packed.ToArray());
        Chunk("IEND", []);
        return Convert.ToBase64String(file.ToArray());

        void Chunk(string name, byte[] content)
        {
            byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(name), .. content];
            var crc = uint.MaxValue;
            foreach (var next in body)
            {
                crc ^= next;
                for (var bit = 0; bit < 8; bit++)
                {
                    crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
                }
            }

            var number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
            file.Write(number);
            file.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
            file.Write(number);
        }
    }

    private Task<ApiAnswer> UploadAsync(TestUser user, string type, string ids, string image) =>
        _host.SendAsync(user, HttpMethod.Post, "uploadResourceIcon", ("resourcetype", type), ("resourceids", ids), ("base64image", image));

    private Task<ApiAnswer> DeleteAsync(TestUser user, string type, string ids) => _host.SendAsync(user, HttpMethod.Post, "deleteResourceIcon", ("resourcetype", type), ("resourceids", ids));

    private async Task<JsonElement> ListedAsync(TestUser user, string list, string key, string id, params (string, string)[] more) =>
        (await _host.CallAsync(user, list, [("id", id), ("showicon", "true"), .. more])).ShouldSucceed().List(key).Single();

    private Task<int> CountAsync(Guid resource) => _host.Database.ReadAsync((db, ct) => db.ResourceIcons.CountAsync(i => i.ResourceId == resource, ct), TestContext.Current.CancellationToken);

    private async Task<VmRow> VmAsync(TestUser owner, TemplateRow? template = null, bool removed = false)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(owner, _host.Zone.Id, offering, template: template) with { State = VmState.Stopped, Removed = removed ? Rows.Now : null };
        await _host.InsertAsync(offering);
        await _host.InsertAsync(vm);
        return vm;
    }

    public sealed class OnSqlite(RealApiHost host) : ResourceIconTests(host), IClassFixture<RealApiHost>;

    public sealed class OnPostgreSql(RealPostgreSqlApiHost host) : ResourceIconTests(host), IClassFixture<RealPostgreSqlApiHost>;
}
