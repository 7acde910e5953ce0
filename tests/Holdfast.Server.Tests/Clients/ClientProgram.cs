using System.Diagnostics;
using System.Runtime.CompilerServices;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using LinqToDB;

namespace Holdfast.Server.Tests.Clients;

/// <summary>Other people's programs that call the API, as processes.</summary>
internal static class ClientProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Gives the administrator keys.</summary>
    public static async Task<(string ApiKey, string SecretKey)> KeysOfAdminAsync(TestNode node)
    {
        var (apiKey, secret) = ("KEY" + Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        var pair = new UserKeyId(Guid.NewGuid());
        var sealedSecret = node.Service<SecretBox>().Seal(SecretPurpose.UserSecretKey(pair), new Secret(secret));
        await node.Database.WriteAsync(
            (db, ct) => db.InsertAsync(new UserKeyRow { Id = pair, UserId = node.Admin.UserId, ApiKey = apiKey, SecretKey = sealedSecret, Created = DateTimeOffset.UtcNow }, token: ct),
            CancellationToken.None);
        return (apiKey, secret);
    }

    /// <summary>Runs a program to its end; it is killed when that is ten minutes away.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(
        string program, IReadOnlyList<string> arguments, Dictionary<string, string> environment, CancellationToken cancellationToken, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {Patience.TotalMinutes:0} min.");
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>The folder of the tests of clients, with their scripts.</summary>
    public static string OwnFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    /// <summary>The root of the repository.</summary>
    public static string Repository() => Path.GetFullPath(Path.Combine(OwnFolder(), "..", "..", ".."));
}
