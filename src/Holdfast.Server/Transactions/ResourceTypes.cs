namespace Holdfast.Server.Transactions;

/// <summary>CloudStack's resource types, in jobs and events.</summary>
internal static class ResourceTypes
{
    public const string VirtualMachine = "VirtualMachine";
    public const string AffinityGroup = "AffinityGroup";
    public const string InstanceGroup = "InstanceGroup";
    public const string VmSchedule = "VmSchedule";
    public const string Volume = "Volume";
    public const string StoragePool = "StoragePool";
    public const string Template = "Template";
    public const string Zone = "Zone";
    public const string Pod = "Pod";
    public const string Cluster = "Cluster";
    public const string Host = "Host";
    public const string User = "User";
    public const string Account = "Account";
    public const string Project = "Project";
    public const string Domain = "Domain";
    public const string Role = "Role";
    public const string ServiceOffering = "ServiceOffering";
    public const string DiskOffering = "DiskOffering";
    public const string Obligation = "Obligation";
    public const string SshKeyPair = "SSHKeyPair";
    public const string UserData = "UserData";
    public const string Configuration = "Configuration";
}
