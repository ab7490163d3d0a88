namespace Berth.Faults;

/// <summary>What kind of thing went wrong, independent of the protocol it is reported in.</summary>
/// <remarks>Each protocol has one table of its own from these to its codes (HTTP status, exit code, registry code).</remarks>
public enum FaultKind
{
    /// <summary>The request itself is wrong; repeating it unchanged will fail again.</summary>
    InvalidArgument,

    /// <summary>Nobody, or not the right one, has signed in.</summary>
    Unauthorized,

    /// <summary>The caller is known and may not do this.</summary>
    Forbidden,

    /// <summary>The named object does not exist.</summary>
    NotFound,

    /// <summary>The object exists and its state, its name or a user of it forbids the operation.</summary>
    Conflict,

    /// <summary>The operation is understood and deliberately not offered.</summary>
    NotSupported,

    /// <summary>Another party (registry, kernel feature, disk space) is missing now; a later try may work.</summary>
    Unavailable,

    /// <summary>The operation was given up because its caller went away or a deadline passed.</summary>
    Cancelled,

    /// <summary>None of the others: our mistake or a machine in an unforeseen state.</summary>
    Internal,
}
