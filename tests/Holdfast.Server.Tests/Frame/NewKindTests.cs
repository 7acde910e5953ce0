using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Api;
using Holdfast.Server.Transactions;
using LinqToDB;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Frame;

/// <summary>A kind of entity that the server does not know gets from the frame what every kind has: no line of the server is about it.</summary>
public sealed class NewKindTests(NewKindHost host) : IClassFixture<NewKindHost>
{
    [Fact]
    public async Task It_has_an_async_job_with_a_result_and_events()
    {
        var made = (await host.CallAsync(host.User, "createBookmark", ("name", "first"))).ShouldSucceed().Body;

        var job = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", made.GetProperty("jobid").GetString()!))).ShouldSucceed().Body;
        job.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        job.GetProperty("cmd").GetString().ShouldBe("org.example.CreateBookmarkCmd");
        job.GetProperty("jobinstancetype").GetString().ShouldBe("Bookmark");
        var result = job.GetProperty("jobresult").GetProperty("bookmark");
        result.GetProperty("id").GetString().ShouldBe(made.GetProperty("id").GetString());
        result.GetProperty("iskept").GetBoolean().ShouldBeTrue();

        var events = (await host.CallAsync(host.User, "listEvents", ("resourceid", made.GetProperty("id").GetString()!))).List("event");
        events.Select(e => (e.GetProperty("type").GetString(), e.GetProperty("state").GetString())).ShouldBe([("BOOKMARK.CREATE", "Completed"), ("BOOKMARK.CREATE", "Scheduled")], ignoreOrder: true);
    }

    [Fact]
    public async Task It_belongs_to_its_account()
    {
        var id = (await host.CallAsync(host.User, "createBookmark", ("name", "mine"))).ShouldSucceed().Body.GetProperty("id").GetString()!;

        var theirs = (await host.CallAsync(host.Other, "deleteBookmark", ("id", id))).ShouldFail(431);
        var nobodys = (await host.CallAsync(host.Other, "deleteBookmark", ("id", Guid.Empty.ToString().Replace('0', '1')))).ShouldFail(431);
        theirs.ErrorText!.Replace(id, "x", StringComparison.Ordinal).ShouldBe(nobodys.ErrorText!.Replace(Guid.Empty.ToString().Replace('0', '1'), "x", StringComparison.Ordinal));
        (await host.CallAsync(host.Other, "listBookmarks", ("listall", "true"))).List("bookmark").ShouldNotContain(b => b.GetProperty("id").GetString() == id);
        (await host.CallAsync(host.DomainAdmin, "listBookmarks", ("id", id))).List("bookmark").Length.ShouldBe(1);

        (await host.CallAsync(host.User, "deleteBookmark", ("id", id))).ShouldSucceed();
        (await host.CallAsync(host.User, "listBookmarks", ("keyword", "mine"))).List("bookmark").ShouldBeEmpty();
        (await host.CallAsync(host.User, "listEvents", ("type", "BOOKMARK.DELETE"), ("resourceid", id))).List("event").Length.ShouldBe(1);
    }

    [Fact]
    public async Task It_is_listed_with_filters_page_by_page()
    {
        for (var i = 0; i < 5; i++)
        {
            (await host.CallAsync(host.User, "createBookmark", ("name", $"paged-{i}"))).ShouldSucceed();
        }

        var page = (await host.CallAsync(host.User, "listBookmarks", ("keyword", "PAGED"), ("page", "2"), ("pagesize", "2"))).ShouldSucceed().Body;
        page.GetProperty("count").GetInt32().ShouldBe(5);
        page.GetProperty("bookmark").EnumerateArray().Select(b => b.GetProperty("name").GetString()).ShouldBe(["paged-2", "paged-3"]);
        (await host.CallAsync(host.User, "listBookmarks", ("id", "-1"))).List("bookmark").ShouldBeEmpty();
    }

    [Fact]
    public async Task Time_finds_it()
    {
        var made = (await host.CallAsync(host.User, "createBookmark", ("name", "left"), ("isleft", "true"))).ShouldSucceed().Body;
        (await StatusAsync()).ShouldBe((int)JobState.Pending);

        await host.Service<Sweeper>().SweepAsync(TestContext.Current.CancellationToken);
        (await StatusAsync()).ShouldBe((int)JobState.Succeeded);

        async Task<int> StatusAsync() =>
            (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", made.GetProperty("jobid").GetString()!))).Body.GetProperty("jobstatus").GetInt32();
    }

    [Fact]
    public async Task It_is_documented()
    {
        var api = (await host.CallAsync(host.User, "listApis", ("name", "deleteBookmark"))).List("api").ShouldHaveSingleItem();
        api.GetProperty("params").EnumerateArray().Single(p => p.GetProperty("name").GetString() == "id").GetProperty("related").GetString().ShouldBe("listBookmarks");
        ApiDocument.Render(host.Service<ApiCommandTable>().All).ShouldContain("## createBookmark");
        (await host.CallAsync(null, "createBookmark", ("name", "x"))).ShouldFail(401);
    }
}

/// <summary>A node with one kind of entity more.</summary>
public sealed class NewKindHost : ApiHost, IAsyncLifetime
{
    private protected override bool RecordsOperations => false;

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        await Database.WriteAsync((db, ct) => db.CreateTableAsync<BookmarkRow>(token: ct), CancellationToken.None);
    }

    private protected override void Configure(IServiceCollection services)
    {
        BookmarkServices.Register(services);

        // Only the test sweeps.
        services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1) });
    }
}
