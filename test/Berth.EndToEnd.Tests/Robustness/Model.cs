namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>What a client may rely on about one thing.</summary>
internal enum Fate
{
    /// <summary>Its removal was acknowledged, or it was never asked for.</summary>
    Absent,

    /// <summary>It was acknowledged.</summary>
    Present,

    /// <summary>A request about it got no answer: both are right.</summary>
    Unknown,
}

/// <summary>Everything that an engine has acknowledged, to be held against what its successor shows.</summary>
internal sealed class Model
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Fate> _things = new(StringComparer.Ordinal);             // Guarded by _gate.
    private readonly Dictionary<string, ContainerModel> _containers = new(StringComparer.Ordinal); // Guarded by _gate: by name.

    /// <summary>Asks for a change of a thing: until it is acknowledged, nobody knows.</summary>
    /// <param name="thing">Its kind and name, such as <c>volume v1</c>.</param>
    /// <param name="after">What holds when <paramref name="ask"/> has returned.</param>
    /// <param name="ask">The request.</param>
    public async Task ChangeAsync(string thing, Fate after, Func<Task> ask)
    {
        Set(thing, Fate.Unknown);
        await ask();
        Set(thing, after);
    }

    public void Set(string thing, Fate fate)
    {
        lock (_gate)
            _things[thing] = fate;
    }

    /// <summary>Things of a kind that are there for sure.</summary>
    public string[] Present(string kind)
    {
        lock (_gate)
            return [.. _things.Where(pair => pair.Value == Fate.Present && pair.Key.StartsWith(kind + ' ', StringComparison.Ordinal))
                .Select(pair => pair.Key[(kind.Length + 1)..])];
    }

    /// <summary>What is known of a container; made when it is new.</summary>
    public ContainerModel Container(string name)
    {
        lock (_gate)
        {
            if (!_containers.TryGetValue(name, out ContainerModel? known))
                _containers[name] = known = new ContainerModel();
            return known;
        }
    }

    private bool MayGo(string thing) => thing.Split(' ') is ["container", string key] && _containers.GetValueOrDefault(key)?.MayGo == true;

    /// <summary>Compares one kind with what is shown, and learns what became of requests without an answer.</summary>
    /// <returns>What is wrong, a line each.</returns>
    public IEnumerable<string> Compare(string kind, IEnumerable<string> shown)
    {
        HashSet<string> there = [.. shown];
        List<string> wrong = [];
        lock (_gate)
        {
            foreach ((string thing, Fate fate) in _things.ToArray())
            {
                if (!thing.StartsWith(kind + ' ', StringComparison.Ordinal))
                    continue;
                bool isThere = there.Remove(thing[(kind.Length + 1)..]);
                if (fate == Fate.Present && !isThere && !MayGo(thing))
                    wrong.Add($"{thing}: was acknowledged and is lost");
                if (fate == Fate.Absent && isThere)
                    wrong.Add($"{thing}: its removal was acknowledged and it is back");
                if (isThere)
                    _things[thing] = Fate.Present;
                else
                    _things.Remove(thing);
            }
        }
        wrong.AddRange(there.Select(stranger => $"{kind} {stranger}: nobody asked for it"));
        return wrong;
    }
}

/// <summary>What a client may rely on about a container. One worker changes it at a time.</summary>
internal sealed class ContainerModel
{
    /// <summary>Its ID, once it is acknowledged.</summary>
    public string Id { get; set; } = "";

    /// <summary>The names that it may have: more than one while a request to rename it got no answer.</summary>
    public string[] Names { get; set; } = [];

    /// <summary>How Docker's API calls its state; null: a request about it got no answer.</summary>
    public string? Status { get; set; } = "created";

    /// <summary>Its first process while it is running for sure.</summary>
    public int Pid { get; set; }

    /// <summary>It removes itself when it ends, and nobody knows whether it has started.</summary>
    public bool MayGo { get; set; }

    /// <summary>How it ended, when somebody was told.</summary>
    public int? ExitCode { get; set; }
}
