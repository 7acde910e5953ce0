namespace Holdfast.Libvirt;

/// <summary>The error codes that decisions are made on; any other code keeps its number.</summary>
public enum LibvirtErrorCode
{
    /// <summary>No error was recorded.</summary>
    Ok = 0,

    /// <summary>Something inside libvirt; also a QEMU that exits while it is being started.</summary>
    InternalError = 1,

    /// <summary>The driver does not offer this function.</summary>
    NoSupport = 3,

    /// <summary>An argument is wrong.</summary>
    InvalidArgument = 8,

    /// <summary>The operation failed; the message says how.</summary>
    OperationFailed = 9,

    /// <summary>The XML is wrong.</summary>
    XmlError = 27,

    /// <summary>A system call failed, such as a connection that broke or a process that cannot be killed.</summary>
    SystemError = 38,

    /// <summary>The RPC layer failed.</summary>
    Rpc = 39,

    /// <summary>There is no such domain.</summary>
    NoDomain = 42,

    /// <summary>The domain is not in a state that allows the operation, most often because it does not run.</summary>
    OperationInvalid = 55,

    /// <summary>The configuration is not supported.</summary>
    ConfigUnsupported = 67,

    /// <summary>The daemon gave up waiting, most often for another job on the same domain.</summary>
    OperationTimeout = 68,

    /// <summary>The argument is valid and not supported.</summary>
    ArgumentUnsupported = 74,

    /// <summary>The XML does not fit libvirt's schema.</summary>
    XmlInvalidSchema = 92,

    /// <summary>The device is not there.</summary>
    DeviceMissing = 99,
}
