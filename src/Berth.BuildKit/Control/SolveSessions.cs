using Berth.BuildKit.Progress;
using Berth.BuildKit.Sessions;
using Berth.Faults;

namespace Berth.BuildKit.Control;

/// <summary>The sessions of one build: its own, and those that have directories which several builds of one client share.</summary>
internal sealed class SolveSessions : IDisposable
{
    private readonly SessionUse _own;
    private readonly Dictionary<string, SessionUse> _others = new(StringComparer.Ordinal);

    private SolveSessions(SessionUse own) => _own = own;

    /// <summary>The build's own.</summary>
    public ClientSession Own => _own.Session;

    /// <summary>Takes them, waiting a moment for those that are about to be opened.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none. NotFound: it is not there.</exception>
    public static async Task<SolveSessions> TakeAsync(
        SessionTable table, string id, SolveOptions options, CancellationToken cancellationToken)
    {
        if (id.Length == 0)
            throw FaultException.Invalid("solve: a build needs a session that has its files: POST /session opens one");
        SolveSessions taken = new(await table.TakeAsync(id, cancellationToken).ConfigureAwait(false));
        try
        {
            foreach (string name in new[] { options.ContextName, options.DefinitionName }.Distinct())
                if (options.Sessions.TryGetValue(name, out string? other) && other != id)
                    taken._others[name] = await table.TakeAsync(other, cancellationToken).ConfigureAwait(false);
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>The client of a build with its directories.</summary>
    public SessionClient ClientOf(SolveOptions options, BuildTrace trace) => new(Own, trace)
    {
        ContextSource = new SessionSource(Of(options.ContextName), options.ContextName),
        DefinitionSource = new SessionSource(Of(options.DefinitionName), options.DefinitionName),
    };

    /// <summary>Does something that ends with the sessions.</summary>
    /// <exception cref="FaultException">Cancelled: one of them is over.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellationToken)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(
            [cancellationToken, Own.Closed, .. _others.Values.Select(other => other.Session.Closed)]);
        try
        {
            return await action(ending.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (ending.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new FaultException(FaultKind.Cancelled, "the client closed its session", failure);
        }
    }

    public void Dispose()
    {
        _own.Dispose();
        foreach (SessionUse other in _others.Values)
            other.Dispose();
    }

    private ClientSession Of(string directory) => _others.TryGetValue(directory, out SessionUse? other) ? other.Session : Own;
}
