namespace Berth.Attack.Tests;

/// <summary>A container that shares a volume with the victim and exchanges two names in it without a pause.</summary>
public sealed class Swapper : IAsyncDisposable
{
    private const int RoundsMin = 10_000;
    private readonly AttackEngine _engine;
    private readonly string _container;

    private Swapper(AttackEngine engine, string volume, string container) => (_engine, Volume, _container) = (engine, volume, container);

    public string Volume { get; }

    /// <summary>Where the volume is on the host.</summary>
    public string HostPath => $"{_engine.DataRoot}/volumes/{Volume}/_data";

    /// <summary>Starts one.</summary>
    /// <param name="engine">The engine under attack.</param>
    /// <param name="prepare">Shell commands that make the two names <c>a</c> and <c>b</c> in the volume, at <c>/v</c>.</param>
    /// <param name="first">The name that the victim uses, in <c>/v</c>.</param>
    /// <param name="second">What takes its place.</param>
    public static async Task<Swapper> StartAsync(AttackEngine engine, string prepare, string first, string second)
    {
        string volume = engine.NewName("evil");
        string container = await engine.StayAsync($"cd /v && {prepare} && exec /attacker swap {first} {second}", "-v", $"{volume}:/v");
        Swapper swapper = new(engine, volume, container);
        await Shell.UntilAsync(() => Task.FromResult(swapper.Rounds() > 0), $"{first} and {second} are exchanged: "
            + (await engine.BerthAsync("logs", container)).All);
        return swapper;
    }

    /// <summary>How often the names were exchanged so far.</summary>
    public long Rounds() => File.Exists($"{HostPath}/rounds")
        && long.TryParse(File.ReadAllText($"{HostPath}/rounds"), out long count) ? count : 0;

    /// <summary>True while a race was not tried often enough: neither by the victim nor by this, or while no attempt went through.</summary>
    /// <param name="attempts">How often the victim was started.</param>
    /// <param name="passed">How many of these starts went through.</param>
    /// <param name="attemptsMin">How often it shall be started.</param>
    public bool NeedsMore(int attempts, int passed, int attemptsMin) => attempts < attemptsMin
        || ((passed == 0 || Rounds() < RoundsMin) && attempts < 100 * attemptsMin);

    /// <summary>Fails when the race was not really run.</summary>
    public void AssertRaced(int passed)
    {
        Assert.True(Rounds() >= RoundsMin, $"only {Rounds()} exchanges");
        Assert.True(passed > 0, "no attempt went through: nothing was attacked");
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.RemoveAsync(_container);
        // In use still when the test has failed, which says more.
        await _engine.BerthAsync("volume", "rm", Volume);
    }
}
