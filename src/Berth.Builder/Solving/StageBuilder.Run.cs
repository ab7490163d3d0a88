using Berth.Builder.Cache;
using Berth.Dockerfile;
using Berth.Dockerfile.Instructions;
using Berth.Faults;
using Berth.Layers;

namespace Berth.Builder.Solving;

// RUN.
internal sealed partial class StageBuilder
{
    private const string DefaultPath = "PATH=" + StageState.DefaultPath;
    private const string ScriptDirectory = "/dev/pipes";

    private async Task RunAsync(RunInstruction run, CancellationToken cancellationToken)
    {
        if (run.Security == "insecure")
            throw new FaultException(
                FaultKind.NotSupported, "RUN --security=insecure: the entitlement security.insecure is not granted here");
        // The entitlement is the one that whoever builds has given for the whole build: a Dockerfile does not take it by itself.
        if (run.Network == "host" && session.Request is { NetworkMode: not "host", AllowsHostNetwork: false })
            throw new FaultException(FaultKind.Forbidden,
                "RUN --network=host: the entitlement network.host is not granted: build with --network host if you trust this Dockerfile");
        (IReadOnlyList<string> arguments, Heredoc? script) = CommandOf(run);
        string network = run.Network is null or "default" ? session.Request.NetworkMode : run.Network;
        List<string> environment = [.. _state.Config.Env ?? []];
        List<string> declared =
            [.. _state.Arguments.Where(pair => !environment.Any(item => item.StartsWith(pair.Key + "=", StringComparison.Ordinal)))
            .Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal)];
        environment.AddRange(declared);
        await using StepMounts mounts = new(session, stage, _state.WorkingDirectory, Expand);
        await mounts.PrepareAsync(run.Mounts, cancellationToken).ConfigureAwait(false);

        using KeyBuilder key = new("run");
        key.Add(_state.Chain?.ToString()).Add(arguments).Add(environment).Add(_state.Config.User).Add(_state.WorkingDirectory)
            .Add(network).Add(session.Request.ExtraHosts).Add(session.Platform.ToString()).Add(script?.Content).Add(mounts.KeyParts);
        List<string> full = [.. environment, .. session.Variables.Proxies
            .Where(proxy => !environment.Any(item => item.StartsWith(proxy.Key + "=", StringComparison.Ordinal)))
            .Select(proxy => $"{proxy.Key}={proxy.Value}")];
        if (!full.Any(item => item.StartsWith("PATH=", StringComparison.Ordinal)))
            full.Add(DefaultPath);
        // Predefined proxies may hold passwords: not even a declared one gets into history.
        List<string> shown =
            [.. declared.Where(item => !BuildVariables.ProxyNames.Contains(item[..item.IndexOf('=', StringComparison.Ordinal)]))];
        string createdBy = "RUN " + (shown.Count > 0 ? $"|{shown.Count} {string.Join(' ', shown)} " : "")
            + string.Join(' ', arguments) + " # buildkit";
        StepRequest Request(string id, WritableLayer layer) => new()
        {
            Id = id,
            Layer = layer,
            Arguments = arguments,
            Environment = [.. full, .. mounts.Environment],
            WorkingDirectory = _state.WorkingDirectory,
            User = _state.Config.User ?? "",
            Network = network,
            ExtraHosts = session.Request.ExtraHosts,
            Mounts = mounts.Mounts,
            Limits = session.Request.Limits,
        };
        await MakeLayerAsync(key.Finish(), createdBy, async (id, layer) =>
        {
            await mounts.OpenAsync(Path.Combine(session.Services.StepsDirectory, id), script, cancellationToken).ConfigureAwait(false);
            try
            {
                await ExecuteAsync(Request(id, layer), arguments, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await mounts.DisposeAsync().ConfigureAwait(false);
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    private async Task ExecuteAsync(StepRequest request, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        await ReportAsync(new StepRunning(request.Id), cancellationToken).ConfigureAwait(false);
        LineOutput output = new((text, cancel) => ReportAsync(text, cancel));
        StepResult result = await session.Services.Runner.RunAsync(request, output, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        await output.FinishAsync(cancellationToken).ConfigureAwait(false);
        await ReportAsync(new StepRemoved(request.Id), cancellationToken).ConfigureAwait(false);
        if (result.ExitCode == 0)
            return;
        string command = string.Join(' ', arguments);
        _exitCode = result.ExitCode;
        _hint = FailureHints.For(command, result, output.Tail);
        throw FaultException.Invalid($"The command '{command}' returned a non-zero code: {result.ExitCode}");
    }

    // One heredoc alone is the script; with more text around it the shell gets all of it as written.
    private (IReadOnlyList<string> Arguments, Heredoc? Script) CommandOf(RunInstruction run)
    {
        if (run.Heredocs.Count == 0)
            return (run.Command.Resolve(_state.Shell), null);
        string line = run.Command.Words[0];
        if (run.Heredocs is [var only] && line.Trim() == only.Word)
        {
            return only.Content.StartsWith("#!", StringComparison.Ordinal) && !only.Name.Contains('/')
                ? ([.. _state.Shell, $"{ScriptDirectory}/{only.Name}"], only)
                : ([.. _state.Shell, only.Content], null);
        }
        string text = line + string.Concat(run.Heredocs.Select(heredoc => $"\n{heredoc.Content}{heredoc.Name}"));
        return ([.. _state.Shell, text], null);
    }
}
