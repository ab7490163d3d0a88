namespace Berth.Faults;

/// <summary>An operation failed for a reason that its caller can be told in one sentence.</summary>
/// <remarks>
/// The message has the form <c>attempt: what: cause</c>, lower case, no full stop, with values as the user gave them;
/// where clients parse Docker's own text it is that text. It never contains a credential.
/// </remarks>
public sealed class FaultException : Exception
{
    /// <summary>Makes a failure of a kind with its sentence and, where there is one, its cause.</summary>
    public FaultException(FaultKind kind, string message, Exception? cause = null) : base(message, cause) => Kind = kind;

    /// <summary>Decides the status or exit code that the protocol's edge answers with.</summary>
    public FaultKind Kind { get; }

    /// <summary>The named object does not exist.</summary>
    public static FaultException NotFound(string message, Exception? cause = null) => new(FaultKind.NotFound, message, cause);

    /// <summary>The request itself is wrong.</summary>
    public static FaultException Invalid(string message, Exception? cause = null) =>
        new(FaultKind.InvalidArgument, message, cause);

    /// <summary>The state, name or user of an object forbids the operation.</summary>
    public static FaultException Conflict(string message, Exception? cause = null) => new(FaultKind.Conflict, message, cause);

    /// <summary>Another party is missing now.</summary>
    public static FaultException Unavailable(string message, Exception? cause = null) =>
        new(FaultKind.Unavailable, message, cause);

    /// <summary>Our mistake, or a machine in an unforeseen state.</summary>
    public static FaultException Internal(string message, Exception? cause = null) => new(FaultKind.Internal, message, cause);
}
