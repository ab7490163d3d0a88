namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>A program of others that runs containers by <c>berth-runtime</c>, with roots of its own.</summary>
public abstract class Caller : IAsyncLifetime
{
    /// <summary>A directory of this caller alone.</summary>
    protected internal string Root { get; } = Directory.CreateTempSubdirectory("berth-caller-").FullName;

    /// <summary>Null when it can be used; otherwise what is missing.</summary>
    public string? Missing { get; private set; }

    /// <summary>Programs it needs.</summary>
    protected abstract IReadOnlyList<string> Programs { get; }

    /// <summary>A further program in a running container, pause and kill are offered.</summary>
    public virtual bool HasLifecycle => true;

    /// <summary>It tells the program when its input ends.</summary>
    public virtual bool EndsInput => true;

    /// <summary>What its runtime says of a program that is nowhere.</summary>
    public virtual string MissingProgramWords => "executable file not found in $PATH";

    /// <summary>It can name a user.</summary>
    public virtual bool SetsUser => true;

    public async ValueTask InitializeAsync()
    {
        Missing = Command.Missing ?? Programs.Where(static program => !Command.IsInstalled(program))
            .Select(static program => $"{program} is not installed").FirstOrDefault();
        if (Missing is null)
            await StartAsync(await BusyboxTree.MakeAsync(Path.Join(Root, "tree")));
    }

    /// <summary>Makes an image of a tree and starts what has to run.</summary>
    protected abstract Task StartAsync(string tree);

    /// <summary>Ends it.</summary>
    protected virtual Task StopAsync() => Task.CompletedTask;

    /// <summary>Runs a container to its end and removes it.</summary>
    public abstract Task<Completed> RunAsync(CallerOptions options, params string[] arguments);

    /// <summary>Starts a container that goes on; returns its name.</summary>
    public abstract Task<string> StartAsync(params string[] arguments);

    /// <summary>Runs a further program in it.</summary>
    public abstract Task<Completed> ExecAsync(string name, CallerOptions options, params string[] arguments);

    /// <summary>Freezes it, or lets it go on.</summary>
    public abstract Task FreezeAsync(string name, bool frozen);

    /// <summary>The pid of its first process.</summary>
    public abstract Task<int> PidAsync(string name);

    /// <summary>Sends a signal.</summary>
    public abstract Task KillAsync(string name, string signal);

    /// <summary>Waits for its end; returns the exit code.</summary>
    public abstract Task<int> WaitAsync(string name);

    /// <summary>Removes it, whatever it does.</summary>
    public abstract Task RemoveAsync(string name);

    /// <summary>Waits until its first process is that program: "start" of a runtime of others returns before it is executed.</summary>
    public async Task ExecutesAsync(string name, string program)
    {
        int pid = await PidAsync(name);
        await Command.UntilAsync(
            $"{name} executes {program}", async () => (await File.ReadAllTextAsync($"/proc/{pid}/comm")).Trim() == program);
    }

    public async ValueTask DisposeAsync()
    {
        if (Missing is null)
            await StopAsync();
        await Command.UntilAsync($"{Root} is removed", () => Task.FromResult(TryRemove()));
    }

    // What others have started may still put away its own files when they have ended: shims, monitors.
    private bool TryRemove()
    {
        try
        {
            Directory.Delete(Root, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(Root);
        }
    }
}
