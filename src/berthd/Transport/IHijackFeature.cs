using System.IO.Pipelines;

namespace Berth.Daemon.Transport;

/// <summary>Takes a connection away from HTTP, so that its bytes go to and from a process.</summary>
internal interface IHijackFeature
{
    /// <summary>Hands over the connection. HTTP is over on it: nothing may be written as a response any more. The end of what the
    /// client sends is then the end of the input pipe and nothing else; the other direction goes on.</summary>
    /// <exception cref="InvalidOperationException">It was handed over already.</exception>
    IDuplexPipe Hijack();

    /// <summary>Ends the connection at once, also after it was handed over.</summary>
    void AbortTransport();

    /// <summary>The request now running is going to hijack: that the client has ended its side is not to abort it.</summary>
    void Expect();

    /// <summary>The request that was expected to hijack has answered otherwise.</summary>
    void Unexpect();
}
