namespace Holdfast.Server.Api.Commands;

/// <summary>Who may use a command or see a field.</summary>
[Flags]
internal enum Roles
{
    /// <summary>Nobody; not a legal value for a command.</summary>
    None = 0,

    /// <summary>Somebody who has not shown who they are.</summary>
    Anonymous = 1,

    /// <summary>An ordinary account.</summary>
    User = 2,

    /// <summary>The administrator of a domain and what is below it.</summary>
    DomainAdmin = 4,

    /// <summary>The administrator of the installation.</summary>
    RootAdmin = 8,

    /// <summary>Everybody who has shown who they are.</summary>
    Authenticated = User | DomainAdmin | RootAdmin,

    /// <summary>Everybody.</summary>
    Everybody = Anonymous | Authenticated,
}
