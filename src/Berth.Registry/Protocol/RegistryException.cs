using Berth.Registry.Model;

namespace Berth.Registry.Protocol;

/// <summary>A request that is answered with an error of the protocol.</summary>
public sealed class RegistryException : Exception
{
    /// <summary>An error with the status that its code usually has.</summary>
    public RegistryException(RegistryCode code, string message) : this(code, StatusOf(code), message)
    {
    }

    /// <summary>An error with a status of its own.</summary>
    public RegistryException(RegistryCode code, int status, string message) : base(message) => (Code, Status) = (code, status);

    /// <summary>What is told.</summary>
    public RegistryCode Code { get; }

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>The status that a code usually has.</summary>
    public static int StatusOf(RegistryCode code) => code switch
    {
        RegistryCode.BLOB_UNKNOWN or RegistryCode.BLOB_UPLOAD_UNKNOWN or RegistryCode.MANIFEST_BLOB_UNKNOWN
            or RegistryCode.MANIFEST_UNKNOWN or RegistryCode.NAME_UNKNOWN => 404,
        RegistryCode.UNAUTHORIZED => 401,
        RegistryCode.DENIED => 403,
        RegistryCode.UNSUPPORTED => 405,
        RegistryCode.TOOMANYREQUESTS => 429,
        RegistryCode.UNAVAILABLE => 503,
        RegistryCode.UNKNOWN => 500,
        _ => 400,
    };

    /// <summary>The error for a fault of what lies beneath the protocol.</summary>
    public static RegistryException From(FaultException fault) => fault.Kind switch
    {
        FaultKind.Forbidden => new(RegistryCode.DENIED, fault.Message),
        FaultKind.Unauthorized => new(RegistryCode.UNAUTHORIZED, fault.Message),
        FaultKind.Unavailable => new(RegistryCode.UNAVAILABLE, OutwardText.Of(fault)),
        FaultKind.NotSupported => new(RegistryCode.UNSUPPORTED, fault.Message),
        FaultKind.Conflict => new(RegistryCode.DENIED, 409, fault.Message),
        FaultKind.NotFound => new(RegistryCode.NAME_UNKNOWN, fault.Message),
        FaultKind.InvalidArgument => new(RegistryCode.UNSUPPORTED, 400, fault.Message),
        _ => new(RegistryCode.UNKNOWN, "the hub failed; its log says more"),
    };
}
