using System.Diagnostics;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>The client that CloudStack's users have (Debian package python3-cs), run as they run it.</summary>
public sealed class CloudStackClientTests(ApiHost host) : IClassFixture<ApiHost>
{
    private const string Python = "/usr/bin/python3";
    private static readonly bool IsInstalled = File.Exists(Python) && Directory.Exists("/usr/lib/python3/dist-packages/cs");

    [Theory]
    [InlineData("get")]
    [InlineData("post")]
    public async Task It_lists(string method)
    {
        var zones = await RunAsync(method, "listZones");
        zones.Code.ShouldBe(0, zones.Error);
        zones.Output.ShouldContain(host.Zone.Id.ToString());

        var empty = await RunAsync(method, "listVirtualMachines");
        empty.Code.ShouldBe(0, empty.Error);

        var filtered = await RunAsync(method, "listZones", "name=ü a+b*c~d/(e)");
        filtered.Code.ShouldBe(0, filtered.Error);
    }

    [Fact]
    public async Task It_is_told_of_errors()
    {
        var answer = await RunAsync("get", "startVirtualMachine", $"id={Guid.NewGuid()}");

        answer.Code.ShouldNotBe(0);
        (answer.Output + answer.Error).ShouldContain("or entity does not exist");
    }

    [Theory]
    [InlineData(JobState.Succeeded, 0)]
    [InlineData(JobState.Failed, 1)]
    public async Task It_polls_a_job_to_its_end(JobState state, int code)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(host.User, host.Zone.Id, offering, "polled");
        var job = state == JobState.Succeeded
            ? Rows.Job(host.User, vm, state, 0, $$$"""{"virtualmachine":{"id":"{{{vm.Id}}}","state":"Stopped"}}""")
            : Rows.Job(host.User, vm, state, 530, """{"uuidList":[],"errorcode":530,"errortext":"the host said no"}""");
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        await host.InsertAsync(job);
        host.Operations.Accept("StopAsync", job.Id, vm.Id.Value);

        var answer = await RunAsync("get", "stopVirtualMachine", $"id={vm.Id}");

        answer.Code.ShouldBe(code, answer.Output + answer.Error);
        (answer.Output + answer.Error).ShouldContain(state == JobState.Succeeded ? vm.Id.ToString() : "the host said no");
    }

    [Fact]
    public async Task It_reads_every_page()
    {
        var rows = Enumerable.Range(0, 3).Select(i => Rows.DiskOffering($"fetched-{i}"));
        await host.InsertAsync(rows);

        var answer = await RunAsync("get", "listDiskOfferings", "fetch_list=true", "pagesize=2", "keyword=fetched-");

        answer.Code.ShouldBe(0, answer.Error);
        answer.Output.ShouldContain("fetched-0");
        answer.Output.ShouldContain("fetched-1");
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string method, params string[] arguments)
    {
        Assert.SkipUnless(IsInstalled, "the Debian package python3-cs is not installed");
        var start = new ProcessStartInfo(Python) { RedirectStandardOutput = true, RedirectStandardError = true };
        // What the package's command "cs" is; Debian's package lacks the script itself.
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("import sys; from cs import main; sys.exit(main())");
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["CLOUDSTACK_ENDPOINT"] = host.Endpoint.ToString();
        start.Environment["CLOUDSTACK_KEY"] = host.User.ApiKey;
        start.Environment["CLOUDSTACK_SECRET"] = host.User.SecretKey;
        start.Environment["CLOUDSTACK_METHOD"] = method;
        start.Environment["CLOUDSTACK_TIMEOUT"] = "60";
        start.Environment["NO_PROXY"] = "127.0.0.1";
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await error);
    }
}
