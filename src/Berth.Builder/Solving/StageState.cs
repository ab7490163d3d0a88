using Berth.Builder.Cache;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Builder.Solving;

/// <summary>What an image would be after the steps so far. One stage's own; a stage that stands on it takes a copy.</summary>
internal sealed class StageState
{
    public const string HistoryComment = "buildkit.dockerfile.v0";

    /// <summary>Where programs are looked for when an image does not say.</summary>
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public required ImageConfig Image { get; set; }

    public ExecutionConfig Config { get; set; } = new();

    public List<HistoryEntry> History { get; } = [];

    public List<Digest> DiffIds { get; } = [];

    /// <summary>The layers' chain; null for none.</summary>
    public ChainId? Chain { get; set; }

    /// <summary>Identifies all that led here, for the records of steps without layers and for display.</summary>
    public Digest Id { get; set; }

    /// <summary>ARGs declared so far, with their values.</summary>
    public Dictionary<string, string> Arguments { get; } = [];

    /// <summary>CMD was given in this stage.</summary>
    public bool CommandIsSet { get; set; }

    public string WorkingDirectory => string.IsNullOrEmpty(Config.WorkingDir) ? "/" : Config.WorkingDir;

    public IReadOnlyList<string> Shell => Config.Shell is { Count: > 0 } shell ? shell : ["/bin/sh", "-c"];

    public static StageState From(ImageConfig image, Digest id)
    {
        StageState state = new() { Image = image, Config = image.Config ?? new ExecutionConfig(), Id = id };
        state.History.AddRange(image.History ?? []);
        state.DiffIds.AddRange(image.RootFs.DiffIds);
        state.Chain = image.RootFs.Chain;
        return state;
    }

    public StageState Copy()
    {
        StageState copy = From(ToConfig(), Id);
        return copy;
    }

    /// <summary>A variable for word expansion: ENV wins over ARG.</summary>
    public string? Lookup(string name)
    {
        foreach (string variable in Config.Env ?? [])
        {
            if (variable.Length > name.Length && variable[name.Length] == '=' && variable.StartsWith(name, StringComparison.Ordinal))
                return variable[(name.Length + 1)..];
        }
        // A container without a PATH gets this one: a word that extends it must not lose it.
        return Arguments.GetValueOrDefault(name) ?? (name == "PATH" ? DefaultPath : null);
    }

    public void SetVariable(string name, string value)
    {
        List<string> variables = [.. Config.Env ?? []];
        int at = variables.FindIndex(variable => variable.StartsWith(name + "=", StringComparison.Ordinal));
        if (at >= 0)
            variables[at] = $"{name}={value}";
        else
            variables.Add($"{name}={value}");
        Config = Config with { Env = variables };
    }

    /// <summary>Takes over what a step made, or what its record says it once made.</summary>
    public void Apply(CacheRecord record, string createdBy)
    {
        if (record.DiffId is { } layer)
        {
            DiffIds.Add(layer.Digest);
            Chain = record.Chain;
        }
        History.Add(new HistoryEntry
        {
            Created = record.Created, CreatedBy = createdBy, Comment = HistoryComment, EmptyLayer = record.DiffId is null,
        });
        Image = Image with { Created = record.Created };
        using KeyBuilder key = new("state");
        Id = key.Add(Id.ToString()).Add(record.Key.ToString()).Finish();
    }

    public ImageConfig ToConfig() => Image with
    {
        Config = Config,
        History = [.. History],
        RootFs = new RootFs { DiffIds = [.. DiffIds] },
    };
}
