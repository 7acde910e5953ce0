using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

/// <summary>What the pool's configuration says. See the README beside it for the settings.</summary>
internal sealed record LinstorSettings
{
    /// <summary>What names a program or a path of the host: a driver runs as root, and the pool's settings are whoever's who may add a pool.</summary>
    private static readonly string[] HostOnly = ["devicePrefix", "drbdsetup"];

    /// <summary>LINSTOR's own group, used when none is named.</summary>
    public const string StandardGroup = "DfltRscGrp";

    /// <summary>Where controllers may answer.</summary>
    public required IReadOnlyList<ControllerAddress> Controllers { get; init; }

    /// <summary>The resource group that volumes are spawned from.</summary>
    public required string ResourceGroup { get; init; }

    /// <summary>This host's name as a LINSTOR node, as given or as the kernel has it.</summary>
    public required string NodeName { get; init; }

    /// <summary>Whether the name was given, and is to be taken as it is.</summary>
    public required bool IsNodeGiven { get; init; }

    /// <summary>Settings of the pool that only the host's own configuration may have, and that are not used.</summary>
    public required IReadOnlyList<string> Unused { get; init; }

    /// <summary>Which certificates are accepted.</summary>
    public required TlsTrust Trust { get; init; }

    /// <summary>Bearer token.</summary>
    public Secret? Token { get; init; }

    /// <summary>Whether the token may be sent in the clear.</summary>
    public bool TokenOverHttp { get; init; }

    /// <summary>The folder under which devices appear.</summary>
    public required string DevicePrefix { get; init; }

    /// <summary>The program that tells the state of DRBD.</summary>
    public required string DrbdSetup { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <param name="startup">What the agent said.</param>
    /// <returns>The settings, or which one is wrong.</returns>
    public static DriverResult<LinstorSettings> Read(DriverStartup startup)
    {
        var config = startup.Config;
        if (Text(config, "controllers") is not { } list)
        {
            return Wrong("controllers", "is missing; it names at least one LINSTOR controller");
        }

        if (!ControllerAddress.TryParseList(list, out var controllers, out var wrongAddress))
        {
            return Wrong("controllers", $"is wrong: {wrongAddress}");
        }

        var group = Text(config, "resourceGroup") ?? StandardGroup;
        if (!IsName(group))
        {
            return Wrong("resourceGroup", $"is the name of a resource group, not '{group}'");
        }

        var host = startup.HostConfig;
        var given = Text(host, "nodeName") ?? Text(config, "nodeName");
        var node = given ?? startup.NodeName;
        if (node.Length is 0 or > 255 || !node.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
        {
            return Wrong("nodeName", $"is the name of a LINSTOR node, not '{node}'");
        }

        var prefix = Text(host, "devicePrefix") ?? "/dev";
        if (!Path.IsPathFullyQualified(prefix) || prefix.Split('/').Contains(".."))
        {
            return Wrong("devicePrefix", $"is an absolute path, not '{prefix}'");
        }

        return Flag(config, "insecure").Then<LinstorSettings>(insecure =>
            Flag(config, "allowTokenOverHttp").Then<LinstorSettings>(tokenOverHttp =>
                TrustOf(config, insecure).Then<LinstorSettings>(trust => new LinstorSettings
                {
                    Controllers = controllers,
                    ResourceGroup = group,
                    NodeName = node,
                    IsNodeGiven = given is not null,
                    Trust = trust,
                    Token = startup.Secrets.GetValueOrDefault("token"),
                    TokenOverHttp = tokenOverHttp,
                    DevicePrefix = prefix.Length > 1 ? prefix.TrimEnd('/') : prefix,
                    DrbdSetup = Text(host, "drbdsetup") ?? "drbdsetup",
                    Unused = [.. HostOnly.Where(name => Text(config, name) is not null)],
                })));
    }

    private static DriverResult<TlsTrust> TrustOf(IReadOnlyDictionary<string, string> config, bool insecure)
    {
        var pem = Text(config, "caCertificate");
        var fingerprint = Text(config, "fingerprint");
        if ((pem is null ? 0 : 1) + (fingerprint is null ? 0 : 1) + (insecure ? 1 : 0) > 1)
        {
            return DriverFailure.Invalid("Of the settings 'caCertificate', 'fingerprint' and 'insecure' only one can be given.");
        }

        if (pem is not null)
        {
            var authorities = new X509Certificate2Collection();
            try
            {
                authorities.ImportFromPem(pem);
            }
            catch (CryptographicException wrong)
            {
                return Wrong("caCertificate", $"is not PEM text: {wrong.Message}");
            }

            return authorities.Count == 0 ? Wrong("caCertificate", "holds no certificate in PEM text") : new TlsTrust.Authority(authorities);
        }

        if (fingerprint is not null)
        {
            var hex = fingerprint.StartsWith("sha256:", StringComparison.OrdinalIgnoreCase) ? fingerprint["sha256:".Length..] : fingerprint;
            hex = hex.Replace(":", string.Empty, StringComparison.Ordinal).ToUpperInvariant();
            return hex.Length == 64 && hex.All(char.IsAsciiHexDigit)
                ? new TlsTrust.Pinned(hex)
                : Wrong("fingerprint", "is the SHA-256 of the controller's certificate: 64 hexadecimal digits, with or without colons");
        }

        return insecure ? new TlsTrust.Anything() : new TlsTrust.System();
    }

    private static DriverResult<bool> Flag(IReadOnlyDictionary<string, string> config, string name) => Text(config, name)?.ToLowerInvariant() switch
    {
        null or "false" => false,
        "true" => true,
        var other => Wrong(name, $"is true or false, not '{other}'"),
    };

    private static string? Text(IReadOnlyDictionary<string, string> config, string name) =>
        config.TryGetValue(name, out var value) && value.Trim() is { Length: > 0 } text ? text : null;

    private static bool IsName(string name) =>
        name.Length is >= 2 and <= 48 && (char.IsAsciiLetterOrDigit(name[0]) || name[0] == '_')
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private static DriverError Wrong(string setting, string what) => DriverFailure.Invalid($"Setting '{setting}' {what}.");
}
