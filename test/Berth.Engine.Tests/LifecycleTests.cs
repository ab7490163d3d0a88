using Berth.Engine.State;
using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Engine.Tests;

/// <summary>Policies, stops, health and names, with a clock that the test moves.</summary>
public sealed class LifecycleTests : IAsyncLifetime
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(10);
    private TestEngine _test = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IContainers Containers => _test.Engine.Containers;

    public async ValueTask InitializeAsync() => _test = await TestEngine.OpenAsync();

    public ValueTask DisposeAsync() => _test.DisposeAsync();

    [Fact]
    public async Task Always_QuickFailures_WaitLongerEachTime()
    {
        (string id, FakeContainer running) = await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("always", 0) });
        foreach (int milliseconds in (int[])[100, 200, 400])
        {
            running.Exit(1);
            FakeContainer? next = null;
            TimeSpan waited = await _test.AdvanceUntilAsync(() => _test.Runtime.Started.TryRead(out next), s_step);
            Assert.InRange(waited.TotalMilliseconds, milliseconds, double.MaxValue);
            running = next!;
        }
        Assert.Equal(3, (await Containers.InspectAsync(id, false, Cancel)).RestartCount);
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public async Task Always_ClockIsSetMeanwhile_WaitsAllTheSame(int seconds)
    {
        (string _, FakeContainer running) = await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("always", 0) });
        foreach (int milliseconds in (int[])[100, 200, 400])
        {
            // It failed at once, whatever the clock says: the wait doubles.
            _test.Time.Set(TimeSpan.FromSeconds(seconds));
            running.Exit(1);
            FakeContainer? next = null;
            TimeSpan waited = await _test.AdvanceUntilAsync(() => _test.Runtime.Started.TryRead(out next), s_step);
            Assert.InRange(waited.TotalMilliseconds, milliseconds, double.MaxValue);
            running = next!;
        }
    }

    /// <summary>What the engine itself waits for at an end, such as a slow disk, is no time that the container ran.</summary>
    [Fact]
    public async Task Always_SlowEngine_WaitsLongerEachTimeAllTheSame()
    {
        (string id, FakeContainer running) = await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("always", 0) });
        Container container = _test.Engine.Parts.Containers.Find(id);
        foreach (int milliseconds in (int[])[100, 200, 400])
        {
            await _test.UntilAsync(() => container.State.Status == ContainerStatus.Running);
            using CancellationTokenRegistration slow = container.Run.Token.Register(() => _test.Time.Advance(TimeSpan.FromSeconds(30)));
            running.Exit(1);
            await _test.UntilAsync(() => container.State.Status == ContainerStatus.Restarting);
            FakeContainer? next = null;
            TimeSpan waited = await _test.AdvanceUntilAsync(() => _test.Runtime.Started.TryRead(out next), s_step);
            Assert.InRange(waited.TotalMilliseconds, milliseconds, double.MaxValue);
            running = next!;
        }
    }

    [Fact]
    public async Task Events_ClockWasSetBack_HaveTheNewTimeAndEndInTime()
    {
        await _test.CreateAsync();
        _test.Time.Set(TimeSpan.FromHours(-1));
        DateTimeOffset since = _test.Time.GetUtcNow();
        CreatedContainer second = await _test.CreateAsync();
        EventQuery query = new() { Since = since, Until = since.AddSeconds(5) };
        List<string> seen = [];
        Task reading = Task.Run(async () =>
        {
            await foreach (EngineEvent happened in _test.Engine.Events.Subscribe(query, Cancel))
                seen.Add(happened.ActorId);
        }, Cancel);
        await _test.AdvanceUntilAsync(() => reading.IsCompleted, TimeSpan.FromSeconds(1));
        await reading;
        Assert.Contains(second.Id, seen);
        Assert.All(seen, id => Assert.Equal(second.Id, id));
    }

    [Fact]
    public async Task Events_WhoseEndPassesBeforeTheyAreRead_End()
    {
        DateTimeOffset begin = _test.Time.GetUtcNow();
        IAsyncEnumerable<EngineEvent> events =
            _test.Engine.Events.Subscribe(new EventQuery { Since = begin, Until = begin.AddSeconds(5) }, Cancel);
        _test.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.NotNull(await events.ToListAsync(Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancel));
    }

    [Fact]
    public async Task OnFailure_CountReached_StaysEnded()
    {
        (string id, FakeContainer running) =
            await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("on-failure", 1) });
        running.Exit(3);
        FakeContainer? next = null;
        await _test.AdvanceUntilAsync(() => _test.Runtime.Started.TryRead(out next), s_step);
        Task<WaitOutcome> ended = Containers.Wait(id, WaitCondition.NotRunning, Cancel);
        next!.Exit(4);
        Assert.Equal(4, (await ended).StatusCode);
        Assert.Equal(ContainerStatus.Exited, (await _test.StateAsync(id)).Status);
    }

    [Fact]
    public async Task OnFailure_ExitZero_IsNotRestarted()
    {
        (string id, FakeContainer running) =
            await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("on-failure", 0) });
        Task<WaitOutcome> ended = Containers.Wait(id, WaitCondition.NextExit, Cancel);
        running.Exit(0);
        await ended;
        Assert.Equal(ContainerStatus.Exited, (await _test.StateAsync(id)).Status);
    }

    [Fact]
    public async Task Always_StoppedByUser_StaysStopped()
    {
        (string id, FakeContainer running) = await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("always", 0) });
        Assert.True(await Containers.StopAsync(id, null, 10, Cancel));
        Assert.Equal([15], running.Signals);
        Assert.Equal(ContainerStatus.Exited, (await _test.StateAsync(id)).Status);
    }

    [Fact]
    public async Task Changes_ThatComeAfterARemoval_WriteNothing()
    {
        CreatedContainer made = await _test.CreateAsync("web");
        Container container = _test.Engine.Parts.Containers.Find(made.Id);
        await container.Gate.WaitAsync(Cancel);
        Task removing = Containers.RemoveAsync(made.Id, false, false, Cancel);
        Task[] changes =
        [
            Containers.RenameAsync(made.Id, "other", Cancel),
            Containers.UpdateAsync(made.Id, new ContainerUpdate(new ResourceLimits(), null), Cancel),
        ];
        Task<bool> starting = Containers.StartAsync(made.Id, Cancel);
        container.Gate.Release();
        await removing;
        foreach (Task change in changes)
            Assert.Equal($"No such container: {made.Id}", (await Assert.ThrowsAsync<FaultException>(() => change)).Message);
        Assert.Equal(FaultKind.Conflict, (await Assert.ThrowsAsync<FaultException>(() => starting)).Kind);
        Assert.Empty(_test.Engine.Parts.State.ReadAll(Kinds.Container, StateJson.Default.ContainerRecord));
        // Both names are free.
        await _test.CreateAsync("web");
        await _test.CreateAsync("other");
    }

    [Fact]
    public async Task Stop_WhileWaitingForRestart_EndsTheWait()
    {
        (string id, FakeContainer running) = await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("always", 0) });
        Task<WaitOutcome> ended = Containers.Wait(id, WaitCondition.NextExit, Cancel);
        running.Exit(1);
        await ended;
        Assert.Equal(ContainerStatus.Restarting, (await _test.StateAsync(id)).Status);
        Assert.True(await Containers.StopAsync(id, null, 10, Cancel));
        _test.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(ContainerStatus.Exited, (await _test.StateAsync(id)).Status);
        Assert.False(_test.Runtime.Started.TryRead(out _));
    }

    [Fact]
    public async Task Stop_IgnoredTerm_KillsAfterTheGracePeriod()
    {
        (string id, FakeContainer running) = await _test.StartAsync();
        running.OnSignal = (container, signal) =>
        {
            if (signal == 9)
                container.Exit(137);
        };
        Task<bool> stop = Containers.StopAsync(id, null, 7, Cancel);
        // Not further: its end is handled in real time, and the engine gives the kernel only so long by the clock.
        TimeSpan waited = await _test.AdvanceUntilAsync(() => running.Exited.IsCompleted, TimeSpan.FromMilliseconds(250));
        Assert.True(await stop);
        Assert.InRange(waited.TotalSeconds, 7, double.MaxValue);
        Assert.Equal([15, 9], running.Signals);
        Assert.Equal(137, (await _test.StateAsync(id)).ExitCode);
    }

    // A timer of .NET waits 49 days at most.
    private const int SecondsOfYears = 100_000_000;

    [Fact]
    public async Task Stop_GracePeriodOfYears_WaitsForTheEnd()
    {
        (string id, FakeContainer running) = await _test.StartAsync();
        running.OnSignal = (_, _) => { };
        Task<bool> stop = Containers.StopAsync(id, null, SecondsOfYears, Cancel);
        await _test.UntilAsync(() => running.Signals.Count == 1);
        foreach (int _ in Enumerable.Range(0, 30))
            _test.Time.Advance(TimeSpan.FromDays(10));
        Assert.False(stop.IsCompleted);
        running.Exit(3);
        Assert.True(await stop);
        Assert.Equal([15], running.Signals);
        Assert.Equal(3, (await _test.StateAsync(id)).ExitCode);
    }

    [Fact]
    public async Task Health_IntervalAndTimeoutOfMonths_IsChecked()
    {
        long months = TimeSpan.FromDays(100).Ticks * 100;
        _test.Runtime.ExecCode = () => 0;
        (string id, FakeContainer _) = await _test.StartAsync(config: new ContainerSettings
        {
            Image = "base", Cmd = ["run"], Healthcheck = new HealthConfig { Test = ["CMD", "check"], Interval = months, Timeout = months },
        });
        TimeSpan waited = await _test.AdvanceUntilAsync(() => Health(id).Status == "healthy", TimeSpan.FromDays(5));
        Assert.InRange(waited.TotalDays, 100, double.MaxValue);
    }

    [Fact]
    public async Task Events_UntilInYears_AreHeardUntilThen()
    {
        DateTimeOffset until = _test.Time.GetUtcNow().AddSeconds(SecondsOfYears);
        await using IAsyncEnumerator<EngineEvent> events =
            _test.Engine.Events.Subscribe(new EventQuery { Until = until }, Cancel).GetAsyncEnumerator(Cancel);
        ValueTask<bool> first = events.MoveNextAsync();
        await _test.StartAsync();
        Assert.True(await first);
        bool isMore = true;
        while (isMore)
        {
            Task<bool> next = events.MoveNextAsync().AsTask();
            await _test.AdvanceUntilAsync(() => next.IsCompleted, TimeSpan.FromDays(20));
            isMore = await next;
        }
        Assert.InRange(_test.Time.GetUtcNow(), until, DateTimeOffset.MaxValue);
    }

    [Fact]
    public async Task Stop_OwnSignal_IsSent()
    {
        (string id, FakeContainer running) = await _test.StartAsync(
            config: new ContainerSettings { Image = "base", Cmd = ["run"], StopSignal = "SIGQUIT" });
        await Containers.StopAsync(id, null, null, Cancel);
        Assert.Equal([3], running.Signals);
    }

    [Fact]
    public async Task Health_FailingThenPassing_ChangesState()
    {
        int code = 1;
        _test.Runtime.ExecCode = () => code;
        (string id, FakeContainer _) = await _test.StartAsync(config: new ContainerSettings
        {
            Image = "base", Cmd = ["run"],
            Healthcheck = new HealthConfig { Test = ["CMD", "check"], Interval = 1_000_000_000, Retries = 2 },
        });
        Assert.Equal("starting", (await _test.StateAsync(id)).Health!.Status);
        await _test.AdvanceUntilAsync(() => Health(id).Status == "unhealthy", TimeSpan.FromMilliseconds(500));
        Assert.InRange(Health(id).FailingStreak, 2, int.MaxValue);
        code = 0;
        await _test.AdvanceUntilAsync(() => Health(id).Status == "healthy", TimeSpan.FromMilliseconds(500));
        Assert.Equal(0, Health(id).FailingStreak);
    }

    /// <summary>Nobody checks a container that has ended or is paused, and Docker calls it unhealthy then; results of earlier runs
    /// stay.</summary>
    [Fact]
    public async Task Health_EndedOrPaused_IsUnhealthyAndKeepsItsLog()
    {
        (string id, FakeContainer _) = await _test.StartAsync(config: new ContainerSettings
        {
            Image = "base", Cmd = ["run"], Healthcheck = new HealthConfig { Test = ["CMD", "check"], Interval = 1_000_000_000 },
        });
        await _test.AdvanceUntilAsync(() => Health(id).Status == "healthy", TimeSpan.FromMilliseconds(500));
        await Containers.PauseAsync(id, Cancel);
        Assert.Equal("unhealthy", Health(id).Status);
        await Containers.UnpauseAsync(id, Cancel);
        await _test.AdvanceUntilAsync(() => Health(id).Status == "healthy", TimeSpan.FromMilliseconds(500));
        HealthResult first = Health(id).Log[0];

        await Containers.StopAsync(id, null, null, Cancel);
        Assert.Equal("unhealthy", Health(id).Status);
        Assert.Empty(await Containers.ListAsync(new ContainerQuery
        {
            All = true, Filters = new FilterSet([KeyValuePair.Create<string, IReadOnlyList<string>>("health", ["healthy"])]),
        }, Cancel));
        await Containers.StartAsync(id, Cancel);
        Assert.Equal(("starting", 0, first), (Health(id).Status, Health(id).FailingStreak, Health(id).Log[0]));
    }

    [Theory]
    [InlineData("KILL", true)]
    [InlineData("TERM", true)]
    [InlineData("USR1", false)]
    public async Task Kill_WhileRestarting_EndsTheRestarts(string signal, bool isStop)
    {
        (string id, FakeContainer running) =
            await _test.StartAsync(new HostSettings { RestartPolicy = new RestartPolicy("unless-stopped", 0) });
        Container container = _test.Engine.Parts.Containers.Find(id);
        running.Exit(3);
        await _test.UntilAsync(() => container.State.Status == ContainerStatus.Restarting);
        CancellationToken restart = container.Run.Token;
        await Containers.KillAsync(id, signal, Cancel);
        Assert.True(restart.IsCancellationRequested);
        Assert.Equal((ContainerStatus.Exited, 3, isStop),
            (container.State.Status, container.State.ExitCode, container.Record.StoppedByUser));
        // There is nothing left to kill.
        Assert.Equal(FaultKind.Conflict, (await Assert.ThrowsAsync<FaultException>(() => Containers.KillAsync(id, signal, Cancel))).Kind);
    }

    [Fact]
    public async Task Joined_OtherIsRenamed_IsJoinedAllTheSame()
    {
        string other = (await _test.CreateAsync("one")).Id;
        await Containers.StartAsync(other, Cancel);
        string id = (await _test.CreateAsync(host: new HostSettings { PidMode = "container:one" })).Id;
        Assert.Equal($"container:{other}", (await Containers.InspectAsync(id, false, Cancel)).Host.PidMode);
        await Containers.RenameAsync(other, "two", Cancel);
        await _test.CreateAsync("one");
        Assert.True(await Containers.StartAsync(id, Cancel));
    }

    [Theory]
    [InlineData("label", "tier=front", "web")]
    [InlineData("label", "tier", "web,db")]
    [InlineData("label!", "tier=front", "db,old")]
    [InlineData("until", "1h", "old")]
    public async Task Prune_Filter_RemovesOnlyWhatItSays(string name, string value, string expected)
    {
        await CreateAsync("old", null);
        _test.Time.Advance(TimeSpan.FromHours(2));
        await CreateAsync("web", "front");
        await CreateAsync("db", "back");
        PruneReport report =
            await Containers.PruneAsync(new FilterSet([KeyValuePair.Create<string, IReadOnlyList<string>>(name, [value])]), Cancel);
        string[] left = [.. (await Containers.ListAsync(new ContainerQuery { All = true }, Cancel)).Select(one => one.Details.Name)];
        string[] all = ["old", "web", "db"];
        Assert.Equal(expected.Split(',').Order(), all.Except(left).Order());
        Assert.Equal(expected.Split(',').Length, report.Removed.Count);

        Task<CreatedContainer> CreateAsync(string container, string? tier) => _test.CreateAsync(container, config: new ContainerSettings
        {
            Image = "base", Cmd = ["run"],
            Labels = tier is null ? null : new Dictionary<string, string> { ["tier"] = tier },
        });
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("stop")]
    public async Task Unhealthy_WithAnAction_IsRestartedOrStopped(string action)
    {
        _test.Runtime.ExecCode = () => 1;
        (string id, FakeContainer first) = await _test.StartAsync(
            new HostSettings { HealthOnFailure = action, RestartPolicy = new RestartPolicy("always", 0) },
            new ContainerSettings
            {
                Image = "base", Cmd = ["run"], StopSignal = "SIGQUIT",
                Healthcheck = new HealthConfig { Test = ["CMD", "check"], Interval = 1_000_000_000, Retries = 2 },
            });
        await _test.AdvanceUntilAsync(() => first.Exited.IsCompleted, TimeSpan.FromMilliseconds(500));
        Assert.Equal([3], first.Signals);
        if (action == "restart")
        {
            await _test.Runtime.Started.ReadAsync(Cancel);
            await _test.UntilAsync(() => Health(id).Status == "starting");
        }
        else
        {
            await _test.UntilAsync(() => _test.Engine.Parts.Containers.Find(id).State.Status == ContainerStatus.Exited);
            // As a user's stop: the policy does not start it again.
            Assert.True(_test.Engine.Parts.Containers.Find(id).Record.StoppedByUser);
        }
    }

    [Fact]
    public async Task HealthOnFailure_Unknown_IsRefused() => Assert.Equal(
        "invalid health-on-failure action 'explode': use one of 'none', 'restart' or 'stop'",
        (await Assert.ThrowsAsync<FaultException>(
            () => _test.CreateAsync(host: new HostSettings { HealthOnFailure = "explode" }))).Message);

    [Fact]
    public async Task Restart_ContainerToBeRemoved_IsStartedAgainAndRemovedAtItsEnd()
    {
        (string id, FakeContainer _) = await _test.StartAsync(new HostSettings { AutoRemove = true });
        await Containers.RestartAsync(id, null, null, Cancel);
        FakeContainer second = await _test.Runtime.Started.ReadAsync(Cancel);
        Assert.Equal(ContainerStatus.Running, (await _test.StateAsync(id)).Status);
        Task<WaitOutcome> removed = Containers.Wait(id, WaitCondition.Removed, Cancel);
        second.Exit(5);
        Assert.Equal(5, (await removed).StatusCode);
    }

    [Fact]
    public async Task Names_Taken_IsAConflictInDockersWords()
    {
        string id = (await _test.CreateAsync("web")).Id;
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _test.CreateAsync("web"));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        Assert.Equal($"Conflict. The container name \"/web\" is already in use by container \"{id}\". You have to remove (or rename) "
            + "that container to be able to reuse that name.", fault.Message);
        await Containers.RenameAsync(id, "other", Cancel);
        await _test.CreateAsync("web");
    }

    [Theory]
    [InlineData("status", "exited", "bb")]
    [InlineData("exited", "5", "bb")]
    [InlineData("name", "aa", "aa")]
    [InlineData("label", "kind=y", "bb")]
    [InlineData("label", "only", "aa")]
    [InlineData("ancestor", "base", "aa bb")]
    [InlineData("before", "bb", "aa")]
    [InlineData("since", "aa", "bb")]
    public async Task List_Filter_Selects(string name, string value, string expected)
    {
        await _test.CreateAsync("aa", config: Labelled(("kind", "x"), ("only", "")));
        _test.Time.Advance(TimeSpan.FromSeconds(1));
        string b = (await _test.CreateAsync("bb", config: Labelled(("kind", "y")))).Id;
        await Containers.StartAsync(b, Cancel);
        Task<WaitOutcome> ended = Containers.Wait(b, WaitCondition.NextExit, Cancel);
        (await _test.Runtime.Started.ReadAsync(Cancel)).Exit(5);
        await ended;
        IReadOnlyList<ContainerSummary> found = await Containers.ListAsync(
            new ContainerQuery { All = true, Filters = new FilterSet([new(name, [value])]) }, Cancel);
        Assert.Equal(expected, string.Join(' ', found.Select(one => one.Details.Name).Order()));
    }

    [Fact]
    public async Task List_WrongStatus_IsRefused() => await Assert.ThrowsAsync<FaultException>(() => Containers.ListAsync(
        new ContainerQuery { Filters = new FilterSet([new("status", ["sleeping"])]) }, Cancel));

    [Fact]
    public async Task List_TreeThatCannotBeWalked_HidesNobody()
    {
        await _test.CreateAsync("hostile");
        _test.Layers.SizeFault = FaultException.Invalid("directories are nested too deep");
        ContainerSummary one = Assert.Single(await Containers.ListAsync(new ContainerQuery { All = true, Size = true }, Cancel));
        Assert.Null(one.Details.SizeRw);
    }

    [Fact]
    public async Task Create_ClampedOnThisHost_SaysSo()
    {
        _test.Runtime.Warnings = ["RLIMIT_NOFILE: the hard limit is 1 instead of 2"];
        Assert.Equal(_test.Runtime.Warnings, (await _test.CreateAsync()).Warnings);
    }

    [Fact]
    public async Task Runtime_NamedOrDefault_ReachesTheStart_AndUnknownIsRefused()
    {
        Dictionary<string, Runtime.ExternalRuntime> runtimes = new() { ["other"] = new("other", "/bin/other", []) };
        await using TestEngine engine = await TestEngine.OpenAsync(
            options => options with { Runtimes = runtimes, DefaultRuntime = "other" });
        (string id, FakeContainer running) = await engine.StartAsync();
        Assert.Equal("/bin/other", running.Request.Runtime?.Path);
        Assert.Equal("other", (await engine.Engine.Containers.InspectAsync(id, false, Cancel)).Host.Runtime);
        Assert.Null((await engine.StartAsync(new HostSettings { Runtime = "berth" })).Running.Request.Runtime);
        Assert.Null((await engine.StartAsync(new HostSettings { Runtime = "runc" })).Running.Request.Runtime);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => engine.CreateAsync(host: new HostSettings { Runtime = "nothing" }));
        Assert.Equal("unknown or invalid runtime name: nothing", fault.Message);
    }

    [Theory]
    [InlineData("exec: interpreter \"/bin/sh\\r\" not found: the script has Windows line ends (CRLF): no such file or directory: unknown", "sed -i")]
    [InlineData("exec /run.sh: exec format error: unknown", "#!/bin/sh")]
    public async Task Start_BadScript_SaysTheNextStep(string message, string step)
    {
        _test.Runtime.StartFault = FaultException.NotFound(message);
        string id = (await _test.CreateAsync()).Id;
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => Containers.StartAsync(id, Cancel));
        Assert.Contains(step, fault.Message);
        Assert.EndsWith(": unknown", fault.Message);
        Assert.Equal(127, (await _test.StateAsync(id)).ExitCode);
    }

    /// <summary>Docker's hint and exit code, by which people find what they did.</summary>
    [Fact]
    public async Task Start_MountOfAnotherKind_SaysWhatWasTried()
    {
        _test.Runtime.StartFault = FaultException.Invalid("error mounting \"/a\" to rootfs at \"/b\": mounting: not a directory: unknown");
        string id = (await _test.CreateAsync()).Id;
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => Containers.StartAsync(id, Cancel));
        Assert.Equal(_test.Runtime.StartFault.Message + ": Are you trying to mount a directory onto a file (or vice-versa)? "
            + "Check if the specified host path exists and is the expected type", fault.Message);
        Assert.Equal(127, (await _test.StateAsync(id)).ExitCode);
    }

    [Fact]
    public async Task RunAndRemove_WritesTheStateThreeTimes()
    {
        long before = _test.Engine.Parts.State.Writes;
        (string id, FakeContainer running) = await _test.StartAsync(new HostSettings { AutoRemove = true });
        Task<WaitOutcome> gone = Containers.Wait(id, WaitCondition.Removed, Cancel);
        running.Exit(6);
        Assert.Equal(6, (await gone).StatusCode);
        Assert.Equal(3, _test.Engine.Parts.State.Writes - before);
    }

    [Fact]
    public async Task Events_SinceAndUntil_CutWhereTheySay()
    {
        DateTimeOffset begin = _test.Time.GetUtcNow();
        (string id, FakeContainer running) = await _test.StartAsync();
        _test.Time.Advance(TimeSpan.FromSeconds(10));
        Task<WaitOutcome> ended = Containers.Wait(id, WaitCondition.NextExit, Cancel);
        running.Exit(0);
        await ended;
        Assert.Equal(["create", "start"], await ActionsAsync(begin, begin.AddSeconds(5)));
        Assert.Equal(["die"], await ActionsAsync(begin.AddSeconds(5), _test.Time.GetUtcNow()));
    }

    private async Task<string[]> ActionsAsync(DateTimeOffset since, DateTimeOffset until)
    {
        List<string> actions = [];
        EventQuery query = new() { Since = since, Until = until, Filters = new FilterSet([new("type", ["container"])]) };
        await foreach (EngineEvent one in _test.Engine.Events.Subscribe(query, Cancel))
            actions.Add(one.Action);
        return [.. actions];
    }

    private HealthState Health(string id) => _test.Engine.Parts.Containers.Find(id).State.Health!;

    private static ContainerSettings Labelled(params (string Key, string Value)[] labels) => new()
    {
        Image = "base", Cmd = ["run"], Labels = labels.ToDictionary(label => label.Key, label => label.Value),
    };
}
