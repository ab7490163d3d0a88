using Berth.Builder;
using Berth.BuildKit.Files;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Protocol;
using Berth.Distribution;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.BuildKit.Sessions;

/// <summary>A build's client over its session.</summary>
/// <param name="session">The session.</param>
/// <param name="trace">Where transfers are drawn.</param>
public sealed class SessionClient(ClientSession session, BuildTrace trace) : IBuildClient
{
    private const string Hub = "docker.io";

    // What clients keep its login under.
    private const string HubHost = "registry-1.docker.io";
    private const string IgnoreName = ".dockerignore";

    /// <summary>Where the Dockerfile is.</summary>
    public SessionSource DefinitionSource { get; init; } = new(session, "dockerfile");

    /// <summary>Where the context is.</summary>
    public SessionSource ContextSource { get; init; } = new(session, "context");

    /// <inheritdoc/>
    public async Task SendDefinitionAsync(string directory, string dockerfile, CancellationToken cancellationToken)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(directory);
        string[] names = dockerfile == "Dockerfile" ? [dockerfile, "dockerfile"] : [dockerfile];
        await DrawnAsync($"[internal] load build definition from {dockerfile}", "transferring dockerfile:", async report =>
        {
            long bytes = 0;
            foreach (string name in names.TakeWhile(_ => bytes == 0))
                bytes += await TakeAsync(root, DefinitionSource, name, report, cancellationToken).ConfigureAwait(false);
            return bytes;
        }).ConfigureAwait(false);
        await DrawnAsync($"[internal] load {IgnoreName}", "transferring context:", async report =>
        {
            long own = await TakeAsync(
                root, DefinitionSource, dockerfile + IgnoreName, report, cancellationToken).ConfigureAwait(false);
            return own > 0 ? own : await TakeAsync(root, ContextSource, IgnoreName, report, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public string? ContextKey => ContextSource.Session.Offer.SharedKey is { Length: > 0 } key ? key : null;

    /// <inheritdoc/>
    public async Task<long> SendContextAsync(string directory, IgnoreFile ignore, CancellationToken cancellationToken)
    {
        bool isKept = Directory.EnumerateFileSystemEntries(directory).Any();
        long bytes = 0;
        using FileDescriptor root = FileCalls.OpenDirectory(directory);
        await DrawnAsync("[internal] load build context", "transferring context:", async report =>
        {
            using FileReceiver receiver = new(root, ignore, ReceiveLimits.Context, isKept);
            await ReceiveTree.RunAsync(
                ContextSource.Session, ContextSource.Directory, null, receiver, report, cancellationToken).ConfigureAwait(false);
            bytes = receiver.TreeBytes;
            return receiver.Bytes;
        }).ConfigureAwait(false);
        return bytes;
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> FindSecretAsync(string id, CancellationToken cancellationToken)
    {
        GetSecretResponse? answer = await session.AskAsync(
            SessionMethods.Secret, new GetSecretRequest { Id = id }, cancellationToken).ConfigureAwait(false);
        return answer?.Data.Memory;
    }

    /// <inheritdoc/>
    public async Task<RegistryCredentials?> FindCredentialsAsync(string registry, CancellationToken cancellationToken)
    {
        CredentialsRequest request = new() { Host = registry == Hub ? HubHost : registry };
        CredentialsResponse? answer =
            await session.AskAsync(SessionMethods.Credentials, request, cancellationToken).ConfigureAwait(false);
        return answer is null or { Secret: "" } ? null
            // A secret without a user is a token to get others with.
            : answer.Username.Length == 0 ? new RegistryCredentials { IdentityToken = answer.Secret }
            : new RegistryCredentials { Username = answer.Username, Password = answer.Secret };
    }

    /// <inheritdoc/>
    public async Task<bool> HasAgentAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await session.AskAsync(
                SessionMethods.CheckAgent, new CheckAgentRequest { Id = id }, cancellationToken).ConfigureAwait(false) is not null;
        }
        catch (FaultException) when (!session.Closed.IsCancellationRequested)
        {
            // A client says so, in words of its own, when it has no agent of this name.
            return false;
        }
    }

    /// <inheritdoc/>
    public Task ForwardAgentAsync(string id, Stream connection, CancellationToken cancellationToken) =>
        AgentForward.RunAsync(session, id, connection, cancellationToken);

    private async Task<long> TakeAsync(
        FileDescriptor root, SessionSource source, string name, Action<long> report, CancellationToken cancellationToken)
    {
        using FileReceiver receiver = new(root, IgnoreFile.Empty, ReceiveLimits.Definition);
        await ReceiveTree.RunAsync(source.Session, source.Directory, name, receiver, report, cancellationToken).ConfigureAwait(false);
        return receiver.Bytes;
    }

    private async Task DrawnAsync(string name, string what, Func<Action<long>, Task<long>> transfer)
    {
        TraceVertex vertex = trace.Begin(name);
        try
        {
            long bytes = await transfer(current => vertex.Report(what, current, 0, isDone: false)).ConfigureAwait(false);
            vertex.Report(what, bytes, 0, isDone: true);
            vertex.Complete();
        }
        catch (FaultException fault)
        {
            vertex.Fail(fault.Message);
            throw;
        }
    }
}

/// <summary>A directory of a client's.</summary>
/// <param name="Session">The session over which it is sent.</param>
/// <param name="Directory">The client's name for it.</param>
public sealed record SessionSource(ClientSession Session, string Directory);
