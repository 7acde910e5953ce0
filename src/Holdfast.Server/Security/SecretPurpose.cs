using Holdfast.Core.Ids;

namespace Holdfast.Server.Security;

/// <summary>What sealed secrets are for; bound into their seal.</summary>
internal static class SecretPurpose
{
    /// <summary>A user's secret key (<c>user_keys.secret_key</c>). A pair of before there were more than one has its user's id.</summary>
    public static string UserSecretKey(UserKeyId keys) => $"user-secret-key:{keys}";

    /// <summary>The key of a user's second factor (<c>users.totp_key</c>).</summary>
    public static string UserTotpKey(UserId user) => $"user-totp-key:{user}";

    /// <summary>A guest's password (<c>vms.password</c>).</summary>
    public static string VmPassword(VmId vm) => $"vm-password:{vm}";

    /// <summary>A pool's secret configuration (<c>storage_pools.secrets</c>).</summary>
    public static string PoolSecrets(PoolId pool) => $"pool-secrets:{pool}";
}
