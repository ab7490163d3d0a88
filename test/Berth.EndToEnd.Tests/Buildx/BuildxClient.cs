using System.Collections.Concurrent;
using Berth.EndToEnd.Tests.Buildx.Protocol;
using Grpc.Core;
using Grpc.Net.Client;
using Frontend = Berth.EndToEnd.Tests.Buildx.Protocol.Frontend;

namespace Berth.EndToEnd.Tests.Buildx;

/// <summary>
/// Builds as Buildx does with its docker driver: begins a build without a frontend, follows its status, and meanwhile asks the gateway
/// for the Dockerfile's result, which it returns as the result of its own.
/// </summary>
/// <remarks>docker/buildx, build/build.go and driver/docker; moby/buildkit, client/solve.go, client/build.go and
/// frontend/gateway/grpcclient.</remarks>
internal sealed class BuildxClient : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    public BuildxClient(string socket, Route route = Route.Upgrade)
    {
        _channel = BuildxConnection.Open(socket, route);
        Control = new Control.ControlClient(_channel);
        Bridge = new Frontend.LLBBridge.LLBBridgeClient(_channel);
        Health = new Health.HealthClient(_channel);
    }

    public Control.ControlClient Control { get; }

    public Frontend.LLBBridge.LLBBridgeClient Bridge { get; }

    public Health.HealthClient Health { get; }

    /// <summary>The header by which calls of the gateway name their build.</summary>
    public static Metadata Build(string name) => new() { { "buildkit-controlapi-buildid", name } };

    /// <summary>The probe that Buildx makes before its first build: a build of nothing, for the capabilities.</summary>
    public async Task<Frontend.PongResponse> ProbeAsync(CancellationToken cancellationToken)
    {
        string name = Guid.NewGuid().ToString("n");
        AsyncUnaryCall<SolveResponse> solving =
            Control.SolveAsync(new SolveRequest { Ref = name, Session = "none", Internal = true }, cancellationToken: cancellationToken);
        Task<BuildStory> status = FollowAsync(name, cancellationToken);
        Frontend.PongResponse pong = await Bridge.PingAsync(new Frontend.PingRequest(), Build(name), cancellationToken: cancellationToken);
        await Bridge.ReturnAsync(
            new Frontend.ReturnRequest { Result = new Frontend.Result() }, Build(name), cancellationToken: cancellationToken);
        await solving;
        await status;
        return pong;
    }

    /// <summary>Builds a Dockerfile.</summary>
    /// <param name="session">Whose files.</param>
    /// <param name="attributes">The frontend's attributes.</param>
    /// <param name="change">Changes the request before it goes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<BuildStory> BuildAsync(
        string session, Dictionary<string, string> attributes, Action<SolveRequest> change, CancellationToken cancellationToken)
    {
        string name = Guid.NewGuid().ToString("n");
        SolveRequest request = new() { Ref = name, Session = session };
        change(request);
        Task<BuildStory> following = FollowAsync(name, CancellationToken.None);
        Task<SolveResponse> solving = Control.SolveAsync(request, cancellationToken: cancellationToken).ResponseAsync;
        Frontend.Result? result = null;
        try
        {
            if (request.Frontend.Length == 0)
                result = await DriveAsync(name, attributes, cancellationToken);
            SolveResponse response = await solving;
            return await following with { Response = response.ExporterResponse, Result = result };
        }
        catch (RpcException refused)
        {
            await ((Task)solving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            BuildStory story;
            try
            {
                story = await following;
            }
            catch (RpcException)
            {
                story = new BuildStory([], [], []);
            }
            return story with { Refusal = refused };
        }
    }

    /// <summary>The records there are, as <c>buildx history ls</c> asks for them.</summary>
    /// <remarks>docker/buildx, commands/history/utils.go, queryRecords.</remarks>
    public async Task<IReadOnlyList<BuildHistoryEvent>> ListAsync(CancellationToken cancellationToken, params string[] filters)
    {
        const int Limit = 50;
        using AsyncServerStreamingCall<BuildHistoryEvent> call = Control.ListenBuildHistory(
            new BuildHistoryRequest { EarlyExit = true, Limit = Limit, Filter = { filters } }, cancellationToken: cancellationToken);
        Metadata headers = await call.ResponseHeadersAsync;
        if (!DateTimeOffset.TryParse(headers.GetValue("buildkit-current-timestamp"), out _))
            throw new InvalidOperationException("the answer does not say the time");
        List<BuildHistoryEvent> all = [];
        while (await call.ResponseStream.MoveNext(cancellationToken))
            all.Add(call.ResponseStream.Current);
        return all;
    }

    /// <summary>Hears all that a build says.</summary>
    public async Task<BuildStory> FollowAsync(string name, CancellationToken cancellationToken, Action<string>? heard = null)
    {
        ConcurrentDictionary<string, Vertex> vertexes = new();
        List<string> logs = [];
        List<VertexWarning> warnings = [];
        using AsyncServerStreamingCall<StatusResponse> call =
            Control.Status(new StatusRequest { Ref = name }, cancellationToken: cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            StatusResponse said = call.ResponseStream.Current;
            foreach (Vertex vertex in said.Vertexes)
                vertexes[vertex.Digest] = vertex;
            foreach (VertexLog log in said.Logs)
            {
                logs.Add(log.Msg.ToStringUtf8());
                heard?.Invoke(log.Msg.ToStringUtf8());
            }
            warnings.AddRange(said.Warnings);
        }
        return new BuildStory([.. vertexes.Values.OrderBy(vertex => vertex.Started.ToDateTimeOffset())], logs, warnings);
    }

    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }

    // What runs inside the client's build: a failure is returned too, and the build ends with it.
    private async Task<Frontend.Result> DriveAsync(string name, Dictionary<string, string> attributes, CancellationToken cancellationToken)
    {
        await Bridge.PingAsync(new Frontend.PingRequest(), Build(name), cancellationToken: cancellationToken);
        Frontend.SolveRequest request = new()
        {
            Frontend = "dockerfile.v0", AllowResultReturn = true, AllowResultArrayRef = true, FrontendOpt = { attributes },
        };
        try
        {
            Frontend.SolveResponse solved = await Bridge.SolveAsync(request, Build(name), cancellationToken: cancellationToken);
            await Bridge.ReturnAsync(
                new Frontend.ReturnRequest { Result = solved.Result }, Build(name), cancellationToken: cancellationToken);
            return solved.Result;
        }
        catch (RpcException refused) when (!cancellationToken.IsCancellationRequested)
        {
            await Bridge.ReturnAsync(
                new Frontend.ReturnRequest { Error = new Frontend.Status { Code = (int)refused.StatusCode, Message = refused.Status.Detail } },
                Build(name), cancellationToken: cancellationToken);
            throw;
        }
    }
}

/// <summary>A build as its client saw it.</summary>
/// <param name="Vertexes">Its steps as they were last told of.</param>
/// <param name="Logs">Its output.</param>
/// <param name="Warnings">Its warnings.</param>
internal sealed record BuildStory(IReadOnlyList<Vertex> Vertexes, IReadOnlyList<string> Logs, IReadOnlyList<VertexWarning> Warnings)
{
    public IDictionary<string, string> Response { get; init; } = new Dictionary<string, string>();

    public Frontend.Result? Result { get; init; }

    public RpcException? Refusal { get; init; }

    public string Output => string.Concat(Logs);

    public string Reason => Refusal is { } refused ? $"{refused.StatusCode}: {refused.Status.Detail}" : "";
}
