using Berth.Faults;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary>One build of a client: what it has said, and what the client has asked for while it drives the build itself.</summary>
/// <param name="name">The client's name for it.</param>
/// <param name="session">The session that has its files.</param>
/// <param name="isGateway">The client drives it: what to build comes by calls of the gateway, the last of which returns a result.</param>
internal sealed class BuildJob(string name, string session, bool isGateway)
{
    /// <summary>Results that a client may ask for in one build.</summary>
    public const int ResultsMax = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SolveOptions> _results = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly TaskCompletionSource<SolveOptions?> _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => name;

    public string Session => session;

    public bool IsGateway => isGateway;

    /// <summary>What it says.</summary>
    public StatusLog Log { get; } = new();

    /// <summary>What the client has asked the gateway for first; null: nothing yet.</summary>
    public (string Frontend, IReadOnlyDictionary<string, string> Attributes)? Asked { get; private set; }

    public bool IsEnded { get; private set; }

    /// <summary>When it ended, as the table's clock counts.</summary>
    public long Ended { get; set; }

    /// <summary>Keeps what a client wants built, and names it. It is built when it is returned: until then nobody needs it.</summary>
    /// <param name="options">What to build.</param>
    /// <param name="frontend">The frontend, as the client named it.</param>
    /// <param name="attributes">The frontend's attributes, as the client wrote them.</param>
    /// <exception cref="FaultException">InvalidArgument: there are too many.</exception>
    public string Keep(SolveOptions options, string frontend, IReadOnlyDictionary<string, string> attributes)
    {
        lock (_gate)
        {
            Asked ??= (frontend, attributes);
            if (_results.Count >= ResultsMax)
                throw FaultException.Invalid($"solve: a build has at most {ResultsMax} results");
            string id = Guid.NewGuid().ToString("N");
            _results.Add(id, options);
            return id;
        }
    }

    /// <summary>The client has its result.</summary>
    /// <param name="id">What to build; null: nothing.</param>
    /// <exception cref="FaultException">NotFound: there is no such result.</exception>
    public void Return(string? id)
    {
        SolveOptions? options = null;
        lock (_gate)
            if (id is not null && !_results.TryGetValue(id, out options))
                throw FaultException.NotFound($"return: no such ref {id}");
        _returned.TrySetResult(options);
    }

    /// <summary>The client gave up.</summary>
    public void Fail(Status why) => _returned.TrySetException(new RpcException(why));

    /// <summary>What the client returns; null: nothing is to be built.</summary>
    public Task<SolveOptions?> ReturnedAsync(CancellationToken cancellationToken) => _returned.Task.WaitAsync(cancellationToken);

    public void Complete()
    {
        IsEnded = true;
        Log.Complete();
        _returned.TrySetResult(null);
    }
}
