using CsCheck;

namespace Berth.Registry.Tests.Collection;

/// <summary>Pushes, mounts, deletes, pulls and collections in random orders of their steps (attack F12).</summary>
public sealed class CollectorModelTests
{
    // Each round interleaves two to four actors of five to thirty steps.
    private const int Rounds = 10_000;

    // How many times one of several actors was chosen, which every run must have reached.
    private const int InterleavingsMin = 100_000;

    [Fact]
    public async Task Collection_InAnyOrderWithEverythingElse_TakesNothingThatIsNeeded()
    {
        await using var world = new CollectionWorld();
        long choices = 0;
        int checks = 0;
        Gen.Int.Sample(
            seed =>
            {
                choices += world.Round(new Random(seed));
                if (++checks % 5 == 0)
                    world.CheckAsync().GetAwaiter().GetResult();
            }, iter: Rounds, threads: 1);
        Assert.True(choices >= InterleavingsMin, $"only {choices} choices were made");
        world.CollectAll();
        await world.CheckAsync();
        Assert.True(await world.BytesOfRowsAsync() > 0, "nothing is left: the rounds pushed nothing");
        // All that is stored is a blob's, and what was reported as freed is what the storage gave back.
        Assert.Equal(await world.BytesOfRowsAsync(), world.Storage.Blobs.Values.Sum(blob => blob.Length));
        Assert.Equal(0, world.Storage.UploadCount);
        Assert.Equal(world.Storage.BytesFreed, world.BytesReported);
    }
}
