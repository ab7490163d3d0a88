namespace Berth.Registry.Tests.Collection;

/// <summary>Decides which of several actors goes on. Each actor is a task that stops at every gate; one at a time runs to its next gate.</summary>
/// <remarks>
/// All that happens between two gates happens on the thread of <see cref="Run"/>, so that a seed gives the same order again. The actors of
/// a process that crashes stay at their gates for ever: nothing of them runs any more, also nothing that cleans up.
/// </remarks>
internal sealed class Schedule(Random random)
{
    private static readonly AsyncLocal<int> s_process = new();

    private readonly List<(TaskCompletionSource Turn, int Process)> _waiting = [];
    private readonly HashSet<int> _crashed = [];

    /// <summary>How often one of several actors was chosen.</summary>
    public long Choices { get; private set; }

    /// <summary>How likely it is, at each choice, that one of the two processes crashes instead.</summary>
    public double CrashesPerChoice { get; init; }

    /// <summary>Processes that have crashed.</summary>
    public int Crashes => _crashed.Count;

    /// <summary>Where an actor waits for its turn.</summary>
    public Task Gate()
    {
        var turn = new TaskCompletionSource();
        _waiting.Add((turn, s_process.Value));
        return turn.Task;
    }

    /// <summary>Runs actors, of two processes in turn, to their ends in a random order of their steps.</summary>
    public void Run(params IEnumerable<Func<Task>> actors)
    {
        Task[] running = [.. actors.Select((actor, i) => StartAsync(actor, i % 2))];
        while (_waiting.Count > 0)
        {
            if (_waiting.Count > 1)
                Choices++;
            if (CrashesPerChoice > 0 && random.NextDouble() < CrashesPerChoice)
                Crash(random.Next(2));
            else
                Choose();
        }
        for (int i = 0; i < running.Length; i++)
        {
            if (!running[i].IsCompleted && _crashed.Contains(i % 2))
                continue;
            Assert.True(running[i].IsCompleted, "an actor left the schedule: it waits for something that is not a gate");
            running[i].GetAwaiter().GetResult();
        }
    }

    private void Choose()
    {
        int next = random.Next(_waiting.Count);
        TaskCompletionSource turn = _waiting[next].Turn;
        _waiting.RemoveAt(next);
        turn.SetResult();
    }

    private void Crash(int process)
    {
        _crashed.Add(process);
        _waiting.RemoveAll(actor => actor.Process == process);
    }

    private async Task StartAsync(Func<Task> actor, int process)
    {
        s_process.Value = process;
        await Gate();
        await actor();
    }
}
