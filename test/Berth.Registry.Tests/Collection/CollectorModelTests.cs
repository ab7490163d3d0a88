using CsCheck;

namespace Berth.Registry.Tests.Collection;

/// <summary>Pushes, mounts, deletes, pulls and collections in random orders of their steps (attack F12).</summary>
/// <remarks><c>BERTH_MODEL_ROUNDS</c> sets the rounds; 100,000 take some ten minutes.</remarks>
public sealed class CollectorModelTests
{
    // Each round interleaves two to four actors of five to thirty steps.
    private const int UsualRounds = 10_000;

    // How many times one of several actors was chosen, which every run must have reached.
    private const int InterleavingsMin = 100_000;

    private static int Rounds { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("BERTH_MODEL_ROUNDS"), out int rounds) ? rounds : UsualRounds;

    [Fact]
    public async Task Collection_InAnyOrderWithEverythingElse_TakesNothingThatIsNeeded()
    {
        await using var world = new CollectionWorld();
        await RunAsync(world);
        // An upload that ended and whose bytes its request is about to remove may be found by a collection first, and nothing else.
        Assert.InRange(world.UnnamedRemoved, 0, Rounds);
    }

    [Fact]
    public async Task Collection_AmongCrashes_LeavesNothingUnnamed_AndTakesNothingThatIsNeeded()
    {
        await using var world = new CollectionWorld { CrashesPerChoice = 0.02 };
        await RunAsync(world);
        Assert.True(world.Crashes > 1000, $"only {world.Crashes} crashes");
        // About a hundred in most runs.
        Assert.True(world.UnnamedRemoved > 20, $"only {world.UnnamedRemoved} files were left by crashes: this test shows little");
    }

    private static async Task RunAsync(CollectionWorld world)
    {
        long choices = 0;
        int checks = 0;
        Gen.Int.Sample(
            seed =>
            {
                choices += world.Round(new Random(seed));
                if (++checks % 5 == 0)
                    world.CheckAsync().GetAwaiter().GetResult();
            }, iter: Rounds, threads: 1);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{choices} choices, {world.Crashes} crashes, {world.UnnamedRemoved} files without a row");
        Assert.True(choices >= InterleavingsMin, $"only {choices} choices were made");
        world.CollectAll();
        await world.CheckAsync();
        await world.CheckFreedAsync();
        Assert.True(await world.BytesOfRowsAsync() > 0, "nothing is left: the rounds pushed nothing");
        // All that is stored is a blob's.
        Assert.Equal(await world.BytesOfRowsAsync(), world.Storage.Blobs.Values.Sum(blob => blob.Length));
        Assert.Equal(0, world.Storage.UploadCount);
    }
}
