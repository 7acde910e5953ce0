using Holdfast.Core.Ids;
using Holdfast.Server.Tests.Hosts;
using LinqToDB.Metrics;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Store;

/// <summary>
/// That a query is compiled once in a process: not anew for each call, which would cost a server ten milliseconds and more a statement, and not anew for each database, which made
/// Server.Tests take five times as long.
/// </summary>
public sealed class CompiledQueryTests
{
    // Of the thirty that it is when they are compiled anew. linq2db keeps the last hundred queries of a kind of result: tests beside this one may push some out.
    private const int Few = 5;

    private static readonly AsyncLocal<Counter?> Counting = new();

    static CompiledQueryTests() => ActivityService.AddFactory(static id =>
    {
        if (id == ActivityID.GetQueryCreate && Counting.Value is { } counter)
        {
            Interlocked.Increment(ref counter.Compiled);
        }

        return null;
    });

    [Fact]
    public async Task What_was_done_before_compiles_no_query_in_this_database_nor_in_another()
    {
        var folder = Directory.CreateTempSubdirectory("hf-compiled-").FullName;
        try
        {
            await using (var node = await TestNode.StartAsync(Path.Combine(folder, "first"), null))
            {
                await using var agent = await TestAgent.StartAsync(node);
                var template = await PrepareAsync(node);

                // With other tests beside it, the first may find what they have compiled.
                await WorkAsync(node, template);
                (await WorkAsync(node, template)).ShouldBeLessThanOrEqualTo(Few, "in the same database");
            }

            await using var second = await TestNode.StartAsync(Path.Combine(folder, "second"), null);
            await using var other = await TestAgent.StartAsync(second);
            (await WorkAsync(second, await PrepareAsync(second))).ShouldBeLessThanOrEqualTo(Few, "in another database");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<TemplateId> PrepareAsync(TestNode node)
    {
        await node.AddPoolAsync("pool", "pool");
        return await node.AddTemplateAsync();
    }

    // What the server does in the background is not counted: it does not run in the test's flow.
    private static async Task<int> WorkAsync(TestNode node, TemplateId template)
    {
        var counter = new Counter();
        Counting.Value = counter;
        var vm = await node.SucceedAsync(await node.DeployAsync(template, tag: "pool"));
        await node.SucceedAsync(await node.Vms.StopAsync(node.Admin, new VmId(vm), true, TestContext.Current.CancellationToken));
        await node.SucceedAsync(await node.Vms.StartAsync(node.Admin, new VmId(vm), null, TestContext.Current.CancellationToken));
        (await node.EndOfAsync(await node.DeployAsync(template, tag: "nowhere"))).ResultCode.ShouldBe(534);
        Counting.Value = null;
        return counter.Compiled;
    }

    private sealed class Counter
    {
        public int Compiled;
    }
}
