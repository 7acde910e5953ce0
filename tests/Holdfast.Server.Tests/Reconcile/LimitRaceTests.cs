using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Machines;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Requests that come at once and fit one by one.</summary>
public abstract class LimitRaceTests : NodeTests
{
    [Fact]
    public async Task Of_deployments_and_volumes_that_come_at_once_as_many_are_made_as_the_limits_allow()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync("pool", "pool");
        var template = await Node.AddTemplateAsync();
        var (offering, zone) = ((await Node.OfferingAsync("pool")).Id, await Node.ZoneAsync());
        var domain = new DomainRow { Id = new DomainId(Guid.NewGuid()), Name = "d", ParentId = Node.Admin.DomainId, Path = "ROOT/d", Level = 1, Created = DateTimeOffset.UtcNow };
        var tenants = Enumerable.Range(0, 2).Select(i => new AccountRow
        {
            Id = new AccountId(Guid.NewGuid()), Number = 100 + i, Name = $"tenant{i}", DomainId = domain.Id, Type = 0, RoleId = RoleRow.DefaultOf(0), State = AccountStates.Enabled, Created = DateTimeOffset.UtcNow,
        }).ToList();
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.InsertAsync(domain, token: ct);
                await db.InsertAllAsync(tenants, ct);
                await db.InsertAsync(new ResourceLimitRow { AccountId = tenants[0].Id, Resource = LimitedResource.UserVm, Maximum = 2 }, token: ct);
                await db.InsertAsync(new ResourceLimitRow { DomainId = domain.Id, Resource = LimitedResource.UserVm, Maximum = 3 }, token: ct);
                return true;
            },
            Token);

        var own = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => DeployAsync(tenants[0])));
        own.OfType<JobOutcome.Accepted>().Count().ShouldBe(2, "as many as the account may have");
        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => DeployAsync(tenants[i % 2])));
        both.OfType<JobOutcome.Accepted>().Count().ShouldBe(1, "as many more as the domain may have");
        own.Concat(both).OfType<JobOutcome.Refused>().ShouldAllBe(r => r.Fault.ErrorCode == 535);
        (await Node.ReadAsync(db => db.Vms.CountAsync(v => v.AccountId == tenants[0].Id))).ShouldBe(2);

        var accepted = own.Concat(both).OfType<JobOutcome.Accepted>().ToList();
        foreach (var made in accepted)
        {
            await Node.EndOfAsync(made);
            await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, new VmId(made.EntityId), true, [], true, Token));
        }

        (await DeployAsync(tenants[0])).ShouldBeOfType<JobOutcome.Accepted>("what was destroyed is free");

        Task<JobOutcome> DeployAsync(AccountRow owner) => Node.Vms.DeployAsync(
            Node.Admin.For(owner), new DeployVirtualMachine { ServiceOfferingId = offering, TemplateId = template, ZoneId = zone }, Token);
    }

    /// <summary>A deployment that no host could take kept its VM's share for ever in systems that count up and down.</summary>
    [Fact]
    public async Task A_deployment_that_fails_takes_nothing_of_the_limit()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync("pool", "pool");
        var template = await Node.AddTemplateAsync();
        var account = new AccountRow
        {
            Id = new AccountId(Guid.NewGuid()), Number = 100, Name = "tenant", DomainId = Node.Admin.DomainId, Type = 0, RoleId = RoleRow.DefaultOf(0), State = AccountStates.Enabled, Created = DateTimeOffset.UtcNow,
        };
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.InsertAsync(account, token: ct);
                await db.InsertAsync(new ResourceLimitRow { AccountId = account.Id, Resource = LimitedResource.UserVm, Maximum = 1 }, token: ct);
                await db.InsertAsync(new ResourceLimitRow { AccountId = account.Id, Resource = LimitedResource.Volume, Maximum = 1 }, token: ct);
                return true;
            },
            Token);

        (await Node.EndOfAsync(await DeployAsync("nowhere"))).ResultCode.ShouldBe(534);
        (await Node.EndOfAsync(await DeployAsync("nowhere"))).ResultCode.ShouldBe(534);
        await Node.SucceedAsync(await DeployAsync("pool"));
        TestNode.Fault(await DeployAsync("pool")).ErrorCode.ShouldBe(535);

        async Task<JobOutcome> DeployAsync(string tag) => await Node.Vms.DeployAsync(
            Node.Admin.For(account), new DeployVirtualMachine { ServiceOfferingId = (await Node.OfferingAsync(tag)).Id, TemplateId = template, ZoneId = await Node.ZoneAsync() }, Token);
    }
}

/// <summary>On SQLite.</summary>
public sealed class SqliteLimitRaceTests : LimitRaceTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlLimitRaceTests(PostgresServer server) : LimitRaceTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
