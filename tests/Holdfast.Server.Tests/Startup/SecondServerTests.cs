using System.Diagnostics;
using System.Text.Json;
using Holdfast.Server.Startup;
using Holdfast.Server.Tests.Reconcile;
using Holdfast.Server.Tests.Stores;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Startup;

/// <summary>How a server comes to an installation that is there.</summary>
public abstract class SecondServerTests : NodeTests
{
    [Fact]
    public async Task A_server_without_the_key_of_the_installation_says_whose_is_needed_and_makes_nothing()
    {
        var users = await Node.ReadAsync(db => db.Users.CountAsync());
        var (options, folder) = await SecondAsync();
        File.Delete(Path.Combine(folder, "secrets.key"));
        var before = Directory.GetFileSystemEntries(folder).Order().ToList();

        await using var host = ServerHost.Build(options);
        var refused = await Should.ThrowAsync<StartRefusedException>(() => host.StartAsync(Token));

        refused.Message.ShouldContain("secrets.key");
        refused.Message.ShouldContain(folder);
        Directory.GetFileSystemEntries(folder).Order().ShouldBe(before);
        (await Node.ReadAsync(db => db.Users.CountAsync())).ShouldBe(users);
    }

    [Fact]
    public async Task A_server_with_the_key_of_another_installation_says_so()
    {
        var (options, folder) = await SecondAsync();
        await File.WriteAllTextAsync(Path.Combine(folder, "secrets.key"), Convert.ToBase64String(new byte[32]), Token);

        await using var host = ServerHost.Build(options);

        (await Should.ThrowAsync<StartRefusedException>(() => host.StartAsync(Token))).Message.ShouldContain("is not that of the installation");
    }

    /// <summary>A second server's options, with a data folder of its own where the database allows that.</summary>
    private protected abstract Task<(ServerOptions Options, string Folder)> SecondAsync();

    /// <summary>On SQLite: the same folder, which is all there is; its server must have ended.</summary>
    public sealed class OnSqlite : SecondServerTests
    {
        protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

        private protected override Task<(ServerOptions Options, string Folder)> SecondAsync() =>
            Task.FromResult((new ServerOptions { Data = Folder, Port = 0, AgentPort = 0 }, Folder));
    }

    /// <summary>On PostgreSQL: a folder of its own.</summary>
    public sealed class OnPostgreSql(PostgresServer server) : SecondServerTests
    {
        [Fact]
        public async Task A_folder_that_is_not_there_is_not_made()
        {
            var (options, folder) = await SecondAsync();
            var missing = Path.Combine(folder, "missing");

            await using var host = ServerHost.Build(options with { Data = missing });
            await Should.ThrowAsync<StartRefusedException>(() => host.StartAsync(Token));

            Directory.Exists(missing).ShouldBeFalse();
        }

        [Fact]
        public async Task A_server_that_was_brought_the_key_starts_and_knows_the_same_authority()
        {
            var (options, folder) = await SecondAsync();

            await using var host = ServerHost.Build(options);
            await host.StartAsync(Token);

            (await File.ReadAllTextAsync(Path.Combine(folder, "admin.ini"), Token)).ShouldContain("secret = ");
        }

        protected override async Task<string?> ConnectionStringAsync()
        {
            Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
            return await server.CreateDatabaseAsync(Token);
        }

        private protected override async Task<(ServerOptions Options, string Folder)> SecondAsync()
        {
            var folder = Path.Combine(Folder, $"second-{Guid.NewGuid():N}");
            Directory.CreateDirectory(folder);
            File.Copy(Path.Combine(Folder, "secrets.key"), Path.Combine(folder, "secrets.key"));
            var file = Path.Combine(Folder, "database");
            await Task.CompletedTask;
            return (new ServerOptions { Data = folder, Port = 0, AgentPort = 0, DatabaseFile = file }, folder);
        }
    }
}

/// <summary>The programs tell how they are called.</summary>
public sealed class HelpTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--data", "/nowhere", "--help")]
    public async Task The_server_shows_its_options_and_ends_well(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        code.ShouldBe(0, error);
        output.ShouldContain("--data <DIR>");
        output.ShouldContain("secrets.key");
        foreach (var option in new[] { "--listen", "--agent-listen", "--tls-certificate", "--tls-key", "--tls-names", "--allow-plain-http", "--trusted-proxies", "--log" })
        {
            output.ShouldContain($"\n  {option} ");
        }

        Directory.Exists("/nowhere").ShouldBeFalse();
    }

    [Fact]
    public async Task The_server_tells_its_version()
    {
        var (code, output, error) = await RunAsync("--version");

        code.ShouldBe(0, error);
        output.ShouldStartWith($"{typeof(ServerOptions).Assembly.GetName().Version!.ToString(3)}");
    }

    [Theory]
    [InlineData("--data", "--port", "0")]
    [InlineData("--bogus", "--data", "/nowhere", "--bogus", "1")]
    [InlineData("--port", "--data", "/nowhere", "--port", "many")]
    public async Task A_command_line_that_makes_no_sense_starts_nothing_and_says_which_option(string named, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        code.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldContain(named);
        error.ShouldContain("holdfast-server --help");
        Directory.Exists("/nowhere").ShouldBeFalse();
    }

    [Theory]
    [InlineData("--data", "--data", "/dev/null")]
    [InlineData("--database", "--data", "/nowhere", "--database", "/nowhere/database")]
    public async Task A_file_or_folder_that_cannot_be_used_is_a_message_that_names_the_option(string named, params string[] arguments)
    {
        var (code, _, error) = await RunAsync([.. arguments, "--port", "0", "--agent-port", "0"]);

        code.ShouldBe(1);
        error.ShouldStartWith($"holdfast-server: {named}: ");
        error.ShouldContain(arguments[^1]);
        error.ShouldNotContain("   at ");
        Directory.Exists("/nowhere").ShouldBeFalse();
    }

    [Theory]
    [InlineData("Foo=1")]
    [InlineData("Database=holdfast")]
    public async Task A_connection_string_that_makes_no_sense_is_a_message_that_names_the_option(string text)
    {
        var folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
        try
        {
            var file = Path.Combine(folder, "database");
            await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);

            var (code, _, error) = await RunAsync("--data", Path.Combine(folder, "data"), "--database", file);

            code.ShouldBe(1);
            error.ShouldStartWith($"holdfast-server: --database: {file} ");
            error.ShouldNotContain("   at ");
            Directory.Exists(Path.Combine(folder, "data")).ShouldBeFalse();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_taken_port_is_a_message_and_no_stack_trace()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        var folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
        try
        {
            foreach (var option in new[] { "--port", "--agent-port" })
            {
                var (code, output, error) = await RunAsync("--data", folder, option, $"{port}", option == "--port" ? "--agent-port" : "--port", "0");

                code.ShouldBe(1);
                error.ShouldStartWith($"holdfast-server: {option} {port}: ");
                error.ShouldNotContain("   at ");
                output.ShouldNotContain("   at ");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The second wrote admin.ini anew, with its own port, and both worked on one SQLite file.</summary>
    [Fact]
    public async Task Two_servers_do_not_use_one_data_folder()
    {
        var folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
        using var process = Start("--data", folder, "--port", "0", "--agent-port", "0");
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            deadline.CancelAfter(TimeSpan.FromSeconds(60));
            while ((await process.StandardOutput.ReadLineAsync(deadline.Token)).ShouldNotBeNull("it ended before it was ready").StartsWith("ready:", StringComparison.Ordinal) is false)
            {
                // Lines of its log.
            }

            var first = await File.ReadAllTextAsync(Path.Combine(folder, "admin.ini"), deadline.Token);
            var (code, _, error) = await RunAsync("--data", folder, "--port", "0", "--agent-port", "0");

            code.ShouldBe(1);
            error.ShouldContain($"Another server uses {folder}");
            (await File.ReadAllTextAsync(Path.Combine(folder, "admin.ini"), deadline.Token)).ShouldBe(first);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_a_message_and_no_stack_trace()
    {
        var folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
        try
        {
            var file = Path.Combine(folder, "database");
            await File.WriteAllTextAsync(file, "Host=127.0.0.1;Port=1;Username=nobody;Database=none;Timeout=5", TestContext.Current.CancellationToken);

            var (code, _, error) = await RunAsync("--data", Path.Combine(folder, "data"), "--database", file, "--port", "0", "--agent-port", "0");

            code.ShouldBe(1);
            error.ShouldStartWith($"holdfast-server: the database that {file} names cannot be used: ");
            error.ShouldNotContain("   at ");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_log_in_JSON_is_an_object_a_line_to_the_one_that_says_ready()
    {
        var folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
        using var process = Start("--data", folder, "--port", "0", "--agent-port", "0", "--log", "json");
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            deadline.CancelAfter(TimeSpan.FromSeconds(60));
            string? message;
            do
            {
                var line = (await process.StandardOutput.ReadLineAsync(deadline.Token)).ShouldNotBeNull("it ended before it was ready");
                var entry = JsonDocument.Parse(line).RootElement;
                entry.GetProperty("Timestamp").GetDateTimeOffset().Offset.ShouldBe(TimeSpan.Zero);
                entry.GetProperty("LogLevel").GetString().ShouldNotBeNullOrEmpty();
                message = entry.GetProperty("Message").GetString();
            }
            while (message?.StartsWith("ready: http://127.0.0.1:", StringComparison.Ordinal) != true);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "holdfast-server")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await error);
    }
}
