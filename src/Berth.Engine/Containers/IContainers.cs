using Berth.Faults;
using Berth.Layers;
using Berth.Oci;

namespace Berth.Engine;

/// <summary>Containers, from creation to removal.</summary>
/// <remarks>
/// Everywhere <c>id</c> is a full ID, a name (with or without a leading slash) or a unique prefix of an ID; every call fails with
/// NotFound (<c>No such container: x</c>) when there is none. Calls on one container that exclude each other wait for each other;
/// cancelling a call never leaves a container half changed.
/// </remarks>
public interface IContainers
{
    /// <summary>Makes a container and starts nothing.</summary>
    /// <exception cref="FaultException">NotFound: <c>No such image: x:tag</c>. Conflict: the name is in use. InvalidArgument: a
    /// setting is wrong. NotSupported: a setting that is deliberately not offered.</exception>
    Task<CreatedContainer> CreateAsync(CreateContainer request, CancellationToken cancellationToken);

    /// <summary>Starts it; false: it runs already.</summary>
    /// <exception cref="FaultException">NotFound and InvalidArgument with Docker's text: the program is missing (127) or cannot
    /// be executed (126). Conflict: it is being removed.</exception>
    Task<bool> StartAsync(string id, CancellationToken cancellationToken);

    /// <summary>Asks it to end and kills it after a while; false: it did not run.</summary>
    /// <param name="id">The container.</param>
    /// <param name="signal">Instead of its stop signal; null: its own.</param>
    /// <param name="timeoutSeconds">Instead of its stop timeout; -1 for ever; null: its own.</param>
    /// <param name="cancellationToken">Gives up waiting; the signal was sent.</param>
    Task<bool> StopAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken);

    /// <summary>Stops and starts it.</summary>
    Task RestartAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken);

    /// <summary>Sends a signal by name or number; null: SIGKILL.</summary>
    /// <exception cref="FaultException">Conflict: it does not run. InvalidArgument: no such signal.</exception>
    Task KillAsync(string id, string? signal, CancellationToken cancellationToken);

    /// <summary>Freezes its processes.</summary>
    Task PauseAsync(string id, CancellationToken cancellationToken);

    /// <summary>Lets them go on.</summary>
    Task UnpauseAsync(string id, CancellationToken cancellationToken);

    /// <summary>Gives it another name.</summary>
    Task RenameAsync(string id, string name, CancellationToken cancellationToken);

    /// <summary>Changes its limits or policy, also while it runs; returns warnings.</summary>
    Task<IReadOnlyList<string>> UpdateAsync(string id, ContainerUpdate update, CancellationToken cancellationToken);

    /// <summary>Waits. It is registered when this returns, so what happens afterwards is not missed; faults are thrown at once.</summary>
    Task<WaitOutcome> Wait(string id, WaitCondition condition, CancellationToken cancellationToken);

    /// <summary>Removes it.</summary>
    /// <param name="id">The container.</param>
    /// <param name="force">Kill it when it runs.</param>
    /// <param name="volumes">Its volumes without a name too.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    Task RemoveAsync(string id, bool force, bool volumes, CancellationToken cancellationToken);

    /// <summary>Removes a link between containers on the default bridge, and neither container.</summary>
    /// <param name="link">The container that has it and its name there, as <c>web/db</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="FaultException">NotFound: there is none. Conflict: it is a container's own name.</exception>
    Task RemoveLinkAsync(string link, CancellationToken cancellationToken);

    /// <summary>Lists containers, the newest first.</summary>
    Task<IReadOnlyList<ContainerSummary>> ListAsync(ContainerQuery query, CancellationToken cancellationToken);

    /// <summary>All that is known about one.</summary>
    Task<ContainerDetails> InspectAsync(string id, bool size, CancellationToken cancellationToken);

    /// <summary>Its processes.</summary>
    /// <param name="id">The container.</param>
    /// <param name="arguments">As for <c>ps</c>; null: <c>-ef</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<ProcessTable> TopAsync(string id, string? arguments, CancellationToken cancellationToken);

    /// <summary>Its counts: one sample a second until it is removed, or one only. Faults are thrown at once.</summary>
    /// <param name="id">The container.</param>
    /// <param name="stream">Go on.</param>
    /// <param name="oneShot">With <paramref name="stream"/> false: do not wait for a second sample to compare with.</param>
    /// <param name="cancellationToken">Ends it.</param>
    IAsyncEnumerable<StatisticsSample> Statistics(string id, bool stream, bool oneShot, CancellationToken cancellationToken);

    /// <summary>What it has written. Faults are thrown at once.</summary>
    IAsyncEnumerable<LogEntry> Logs(string id, LogQuery query, CancellationToken cancellationToken);

    /// <summary>Connects to its streams; before it is started, nothing is missed.</summary>
    Task<IAttachment> AttachAsync(string id, AttachRequest request, CancellationToken cancellationToken);

    /// <summary>Sets the size of its terminal.</summary>
    Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken);

    /// <summary>What differs from its image.</summary>
    Task<IReadOnlyList<TreeChange>> ChangesAsync(string id, CancellationToken cancellationToken);

    /// <summary>Its whole tree as a tar: faults are thrown before the first byte.</summary>
    Task<IArchive> ExportAsync(string id, CancellationToken cancellationToken);

    /// <summary>A file of its tree.</summary>
    /// <exception cref="FaultException">NotFound: <c>Could not find the file x in container y</c>.</exception>
    Task<PathStat> StatPathAsync(string id, string path, CancellationToken cancellationToken);

    /// <summary>A file or directory of its tree as a tar.</summary>
    Task<IArchive> ReadArchiveAsync(string id, string path, CancellationToken cancellationToken);

    /// <summary>Unpacks a tar (also gzip or zstd) into a directory of its tree.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a directory, or a malformed archive. Forbidden: read-only.</exception>
    Task WriteArchiveAsync(string id, string path, Stream tar, ArchiveOptions options, CancellationToken cancellationToken);

    /// <summary>Makes an image of it.</summary>
    Task<Digest> CommitAsync(CommitRequest request, CancellationToken cancellationToken);

    /// <summary>Removes all that do not run.</summary>
    Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken);
}

/// <summary>A tar that is ready to be written.</summary>
public interface IArchive : IAsyncDisposable
{
    /// <summary>The file at its root; null for a whole tree.</summary>
    PathStat? Root { get; }

    /// <summary>Writes it.</summary>
    Task WriteToAsync(Stream destination, CancellationToken cancellationToken);
}
