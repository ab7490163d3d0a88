using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Dockerfile.Instructions;
using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Builder.Solving;

// Instructions that only change the configuration. Each returns its line of history.
internal sealed partial class StageBuilder
{
    private const int PortsMax = 65536;

    private string Configure(Instruction instruction) => instruction switch
    {
        EnvInstruction env => Env(env),
        ArgInstruction arg => Arg(arg),
        LabelInstruction label => Label(label),
        CmdInstruction cmd => Cmd(cmd),
        EntrypointInstruction entrypoint => Entrypoint(entrypoint),
        UserInstruction user => User(user),
        ExposeInstruction expose => Expose(expose),
        VolumeInstruction volume => Volume(volume),
        StopSignalInstruction signal => StopSignal(signal),
        HealthcheckInstruction check => Healthcheck(check),
        OnBuildInstruction onBuild => OnBuild(onBuild),
        ShellInstruction shell => Shell(shell),
        MaintainerInstruction maintainer => Maintainer(maintainer),
        _ => throw new System.Diagnostics.UnreachableException(instruction.Name),
    };

    // All values of one instruction see the variables from before it.
    private string Env(EnvInstruction env)
    {
        List<(string Name, string Value)> pairs = [.. env.Variables.Select(pair => (Expand(pair.Name), Expand(pair.Value)))];
        foreach ((string name, string value) in pairs)
            _state.SetVariable(name, value);
        return "ENV " + string.Join(' ', pairs.Select(pair => $"{pair.Name}={pair.Value}"));
    }

    private string Arg(ArgInstruction arg)
    {
        List<string> words = [];
        foreach (ArgDeclaration declared in arg.Arguments)
        {
            string? value = session.Variables.Resolve(declared.Name, declared.Default is { } text ? Expand(text) : null);
            if (value is null)
                _state.Arguments.Remove(declared.Name);
            else
                _state.Arguments[declared.Name] = value;
            words.Add(value is null ? declared.Name : $"{declared.Name}={value}");
        }
        return "ARG " + string.Join(' ', words);
    }

    private string Label(LabelInstruction label)
    {
        Dictionary<string, string> labels = new(_state.Config.Labels ?? new Dictionary<string, string>());
        List<string> words = [];
        foreach (NameValue pair in label.Labels)
        {
            (string name, string value) = (Expand(pair.Name), Expand(pair.Value));
            labels[name] = value;
            words.Add($"{name}={value}");
        }
        _state.Config = _state.Config with { Labels = labels };
        return "LABEL " + string.Join(' ', words);
    }

    private string Cmd(CmdInstruction cmd)
    {
        IReadOnlyList<string> words = cmd.Command.Resolve(_state.Shell);
        _state.Config = _state.Config with { Cmd = words };
        _state.CommandIsSet = true;
        return "CMD " + Json(words);
    }

    // A new entrypoint makes the command that came with the base meaningless.
    private string Entrypoint(EntrypointInstruction entrypoint)
    {
        IReadOnlyList<string> words = entrypoint.Command.Resolve(_state.Shell);
        _state.Config = _state.Config with { Entrypoint = words, Cmd = _state.CommandIsSet ? _state.Config.Cmd : null };
        return "ENTRYPOINT " + Json(words);
    }

    private string User(UserInstruction user)
    {
        string name = Expand(user.User);
        _state.Config = _state.Config with { User = name };
        return "USER " + name;
    }

    private string Expose(ExposeInstruction expose)
    {
        Dictionary<string, EmptyObject> ports = new(_state.Config.ExposedPorts ?? new Dictionary<string, EmptyObject>());
        List<string> added = [.. expose.Ports.SelectMany(word => session.Expander.ExpandWords(word, _state.Lookup)).SelectMany(Ports)];
        foreach (string port in added)
            ports[port] = EmptyObject.Instance;
        _state.Config = _state.Config with { ExposedPorts = ports };
        return $"EXPOSE [{string.Join(' ', added)}]";
    }

    private static IEnumerable<string> Ports(string word)
    {
        string[] parts = word.Split('/');
        string protocol = parts.Length == 2 && parts[1].Length > 0 ? parts[1].ToLowerInvariant() : "tcp";
        if (parts.Length > 2 || protocol is not ("tcp" or "udp" or "sctp"))
            throw FaultException.Invalid($"Invalid proto: {(parts.Length > 1 ? parts[1] : "")}");
        string range = parts[0][(parts[0].LastIndexOf(':') + 1)..];
        string[] ends = range.Split('-');
        if (ends.Length > 2 || !TryPort(ends[0], out int first) || !TryPort(ends[^1], out int last) || last < first)
            throw FaultException.Invalid($"Invalid containerPort: {range}");
        return Enumerable.Range(first, last - first + 1).Select(port => $"{port}/{protocol}");
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port < PortsMax;

    private string Volume(VolumeInstruction volume)
    {
        Dictionary<string, EmptyObject> volumes = new(_state.Config.Volumes ?? new Dictionary<string, EmptyObject>());
        List<string> paths = [.. volume.Paths.Select(Expand)];
        foreach (string path in paths)
        {
            if (path.Length == 0)
                throw FaultException.Invalid("VOLUME specified can not be an empty string");
            volumes[path] = EmptyObject.Instance;
        }
        _state.Config = _state.Config with { Volumes = volumes };
        return $"VOLUME [{string.Join(' ', paths)}]";
    }

    private string StopSignal(StopSignalInstruction instruction)
    {
        string signal = Expand(instruction.Signal);
        bool isNumber = int.TryParse(signal, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 64;
        bool isName = signal.Length is > 2 and < 16
            && signal.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-') && !char.IsAsciiDigit(signal[0]);
        if (!isNumber && !isName)
            throw FaultException.Invalid($"Invalid signal: {signal}");
        _state.Config = _state.Config with { StopSignal = signal };
        return "STOPSIGNAL " + signal;
    }

    private string Healthcheck(HealthcheckInstruction check)
    {
        IReadOnlyList<string> test = check.Command switch
        {
            null => ["NONE"],
            { IsShell: true } shell => ["CMD-SHELL", .. shell.Words],
            CommandLine exec => ["CMD", .. exec.Words],
        };
        _state.Config = _state.Config with
        {
            Healthcheck = new HealthConfig
            {
                Test = test,
                Interval = check.Interval.Ticks * 100,
                Timeout = check.Timeout.Ticks * 100,
                StartPeriod = check.StartPeriod.Ticks * 100,
                StartInterval = check.StartInterval.Ticks * 100,
                Retries = check.Retries,
            },
        };
        return check.Text;
    }

    private string OnBuild(OnBuildInstruction onBuild)
    {
        _state.Config = _state.Config with { OnBuild = [.. _state.Config.OnBuild ?? [], onBuild.Trigger] };
        return "ONBUILD " + onBuild.Trigger;
    }

    private string Shell(ShellInstruction shell)
    {
        _state.Config = _state.Config with { Shell = shell.Shell };
        return $"SHELL [{string.Join(' ', shell.Shell)}]";
    }

    private string Maintainer(MaintainerInstruction maintainer)
    {
        _state.Image = _state.Image with { Author = maintainer.Maintainer };
        return "MAINTAINER " + maintainer.Maintainer;
    }

    private static string Json(IReadOnlyList<string> words) => JsonSerializer.Serialize(words, HistoryJson.Relaxed.IReadOnlyListString);
}

/// <summary>Writes words into history, readable.</summary>
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class HistoryJson : JsonSerializerContext
{
    public static HistoryJson Relaxed { get; } = new(new JsonSerializerOptions
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
