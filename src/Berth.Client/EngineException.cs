using System.Net;

namespace Berth.Client;

/// <summary>The engine answered a request with a failure, or could not be reached at all.</summary>
public sealed class EngineException : Exception
{
    /// <summary>Makes a failure from the engine's own words.</summary>
    public EngineException(HttpStatusCode status, string message) : base(message) => Status = status;

    /// <summary>Makes a failure of the connection itself.</summary>
    public EngineException(string message, Exception? cause) : base(message, cause) { }

    /// <summary>The status of the answer; 0 when there was no answer.</summary>
    public HttpStatusCode Status { get; }

    /// <summary>True when nothing listens, or the connection was refused.</summary>
    public bool IsConnectionFailure => Status == 0;

    /// <summary>True for 404: no such object.</summary>
    public bool IsNotFound => Status == HttpStatusCode.NotFound;

    /// <summary>The message as Docker's client prints it.</summary>
    public string Display => IsConnectionFailure ? Message : "Error response from daemon: " + Message;
}
