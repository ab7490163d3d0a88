namespace Berth.Registry.Tests.Collection;

/// <summary>Decides which of several actors goes on. Each actor is a task that stops at every gate; one at a time runs to its next gate.</summary>
/// <remarks>All that happens between two gates happens on the thread of <see cref="Run"/>, so that a seed gives the same order again.</remarks>
internal sealed class Schedule(Random random)
{
    private readonly List<TaskCompletionSource> _waiting = [];

    /// <summary>How often one of several actors was chosen.</summary>
    public long Choices { get; private set; }

    /// <summary>Where an actor waits for its turn.</summary>
    public Task Gate()
    {
        var turn = new TaskCompletionSource();
        _waiting.Add(turn);
        return turn.Task;
    }

    /// <summary>Runs actors to their ends in a random order of their steps.</summary>
    public void Run(params IEnumerable<Func<Task>> actors)
    {
        Task[] running = [.. actors.Select(StartAsync)];
        while (_waiting.Count > 0)
        {
            if (_waiting.Count > 1)
                Choices++;
            int next = random.Next(_waiting.Count);
            TaskCompletionSource turn = _waiting[next];
            _waiting.RemoveAt(next);
            turn.SetResult();
        }
        foreach (Task actor in running)
        {
            Assert.True(actor.IsCompleted, "an actor left the schedule: it waits for something that is not a gate");
            actor.GetAwaiter().GetResult();
        }
    }

    private async Task StartAsync(Func<Task> actor)
    {
        await Gate();
        await actor();
    }
}
