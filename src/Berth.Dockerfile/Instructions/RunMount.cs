using System.Globalization;
using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary>What <c>RUN --mount</c> mounts.</summary>
public enum RunMountType
{
    /// <summary>Files of the context, a stage or an image; what is written to it is discarded.</summary>
    Bind,

    /// <summary>A directory kept between builds.</summary>
    Cache,

    /// <summary>Memory.</summary>
    Tmpfs,

    /// <summary>A secret of the client, as a file or variable.</summary>
    Secret,

    /// <summary>The client's ssh agent.</summary>
    Ssh,
}

/// <summary>One <c>--mount</c>.</summary>
/// <remarks>Dockerfile reference, "RUN --mount". Texts hold variables that are not replaced yet.</remarks>
public sealed record RunMount
{
    private static readonly Dictionary<RunMountType, string[]> s_keys = new()
    {
        [RunMountType.Bind] = ["target", "source", "from", "rw", "ro"],
        [RunMountType.Cache] = ["id", "target", "ro", "rw", "sharing", "from", "source", "mode", "uid", "gid"],
        [RunMountType.Tmpfs] = ["target", "size"],
        [RunMountType.Secret] = ["id", "target", "env", "required", "mode", "uid", "gid"],
        [RunMountType.Ssh] = ["id", "target", "required", "mode", "uid", "gid"],
    };

    /// <summary>What it is.</summary>
    public RunMountType Type { get; init; }

    /// <summary>Where; null takes the type's default.</summary>
    public string? Target { get; init; }

    /// <summary>The path in what it comes from; null is its root.</summary>
    public string? Source { get; init; }

    /// <summary>A stage or image; null is the context.</summary>
    public string? From { get; init; }

    /// <summary>The cache's, secret's or agent's name.</summary>
    public string? Id { get; init; }

    /// <summary>The variable that takes a secret.</summary>
    public string? Env { get; init; }

    /// <summary>A cache's sharing: <c>shared</c>, <c>private</c> or <c>locked</c>.</summary>
    public string? Sharing { get; init; }

    /// <summary>May it be written to; null takes the type's default.</summary>
    public bool? ReadOnly { get; init; }

    /// <summary>Fail when a secret is not offered.</summary>
    public bool Required { get; init; }

    /// <summary>Permissions, octal as written; null takes the type's default.</summary>
    public string? Mode { get; init; }

    /// <summary>Owner, a number as written.</summary>
    public string? Uid { get; init; }

    /// <summary>Group, a number as written.</summary>
    public string? Gid { get; init; }

    /// <summary>A tmpfs' size in bytes; null: no limit.</summary>
    public long? SizeBytes { get; init; }

    internal static RunMount? Read(string text, InstructionReader reader)
    {
        List<(string Key, string? Value)> fields = [.. text.Split(',').Select(SplitField)];
        string typeName = fields.LastOrDefault(field => field.Key == "type").Value ?? "bind";
        if (!Enum.TryParse(typeName, ignoreCase: true, out RunMountType type) || int.TryParse(typeName, out _))
        {
            string[] names = [.. Enum.GetNames<RunMountType>().Select(name => name.ToLowerInvariant())];
            reader.Fail($"unsupported mount type \"{typeName}\"{Spelling.Suggest(typeName, names)}");
            return null;
        }
        RunMount mount = new() { Type = type };
        foreach ((string key, string? value) in fields.Where(field => field.Key != "type"))
        {
            if (!s_keys[type].Contains(key))
            {
                reader.Fail($"unexpected key '{key}' in '{text}'{Spelling.Suggest(key, s_keys[type])}");
                return null;
            }
            mount = mount.With(key, value, reader);
        }
        return mount.Check(reader);
    }

    private static (string Key, string? Value) SplitField(string field)
    {
        int equals = field.IndexOf('=', StringComparison.Ordinal);
        string key = (equals < 0 ? field : field[..equals]).Trim().ToLowerInvariant();
        key = key switch { "dst" or "destination" => "target", "src" => "source", "readonly" => "ro", "readwrite" => "rw", _ => key };
        return (key, equals < 0 ? null : field[(equals + 1)..]);
    }

    private RunMount With(string key, string? value, InstructionReader reader)
    {
        if (key is "ro" or "rw" or "required")
        {
            bool set = true;
            if (value is not null && !bool.TryParse(value is "1" ? "true" : value is "0" ? "false" : value, out set))
                reader.Fail($"invalid value for {key}: {value}");
            return key == "required" ? this with { Required = set } : this with { ReadOnly = key == "ro" ? set : !set };
        }
        if (value is null)
        {
            reader.Fail($"invalid field '{key}' must be a key=value pair");
            return this;
        }
        return key switch
        {
            "target" => this with { Target = value },
            "source" => this with { Source = value },
            "from" => this with { From = value },
            "id" => this with { Id = value },
            "env" => this with { Env = value },
            "sharing" => this with { Sharing = value.ToLowerInvariant() },
            "mode" => this with { Mode = value },
            "uid" => this with { Uid = value },
            "gid" => this with { Gid = value },
            _ => this with { SizeBytes = ReadSize(value, reader) },
        };
    }

    private static long? ReadSize(string text, InstructionReader reader)
    {
        string lower = text.ToLowerInvariant().TrimEnd('b').TrimEnd('i');
        int shift = lower.Length == 0 ? 0 : lower[^1] switch { 'k' => 10, 'm' => 20, 'g' => 30, 't' => 40, _ => 0 };
        string number = shift > 0 ? lower[..^1] : lower;
        if (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size <= long.MaxValue >> shift)
            return size << shift;
        reader.Fail($"invalid size: '{text}'");
        return null;
    }

    private RunMount? Check(InstructionReader reader)
    {
        string? problem = this switch
        {
            { Type: RunMountType.Bind or RunMountType.Cache or RunMountType.Tmpfs, Target: null or "" } =>
                $"invalid mount target \"\": --mount type={Type.ToString().ToLowerInvariant()} needs target=",
            { Sharing: not (null or "shared" or "private" or "locked") } =>
                $"unsupported sharing value \"{Sharing}\"{Spelling.Suggest(Sharing, ["shared", "private", "locked"])}",
            { Type: RunMountType.Secret, Id: null, Target: null, Env: null } => "one of source, target required",
            _ => null,
        };
        if (problem is null)
            return this;
        reader.Fail(problem);
        return null;
    }
}
