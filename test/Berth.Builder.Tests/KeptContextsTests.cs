namespace Berth.Builder.Tests;

public sealed class KeptContextsTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("berth-kept-").FullName;
    private readonly KeptContexts _contexts;

    public KeptContextsTests() => _contexts = new KeptContexts(_scratch, TimeProvider.System);

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public void Take_WhileAnotherBuildHasIt_IsRefused()
    {
        KeptContext first = Take("a");
        Assert.Null(_contexts.TryTake("a"));
        Assert.NotEqual(first.Directory, Take("b").Directory);
        first.GiveBack(5);
        first.GiveBack(null);
        KeptContext second = Take("a");
        Assert.Equal(first.Directory, second.Directory);
        Assert.True(File.Exists($"{second.Directory}/f"));
        Assert.All(_contexts.List(), kept => Assert.True(kept.InUse));
    }

    [Fact]
    public void GiveBack_WhatIsNotWhole_Removes()
    {
        KeptContext context = Take("a");
        context.GiveBack(null);
        Assert.False(Directory.Exists(context.Directory));
        Assert.Empty(_contexts.List());
    }

    [Fact]
    public void GiveBack_BeyondTheLimits_RemovesTheOldestThatNobodyHas()
    {
        KeptContext held = Take("held");
        for (int i = 0; i < KeptContexts.ContextsMax + 3; i++)
            Take($"{i}").GiveBack(1);
        Assert.Equal(KeptContexts.ContextsMax, _contexts.List().Count);
        Assert.True(Directory.Exists(held.Directory));
        KeptContext large = Take("large");
        large.GiveBack(KeptContexts.BytesMax);
        Assert.Equal(2, _contexts.List().Count);
        Assert.True(Directory.Exists(large.Directory));
        KeptContext larger = Take("larger");
        larger.GiveBack(KeptContexts.BytesMax + 1);
        Assert.False(Directory.Exists(large.Directory) || Directory.Exists(larger.Directory));
    }

    [Fact]
    public void Clear_LeavesWhatABuildHas()
    {
        KeptContext held = Take("held");
        Take("a").GiveBack(3);
        Take("b").GiveBack(4);
        Assert.Equal(7, _contexts.Clear());
        Assert.Equal([held.Directory], Directory.GetDirectories(_scratch));
        BuildContext.RemoveAbandoned(_scratch);
        Assert.Empty(Directory.GetDirectories(_scratch));
    }

    private KeptContext Take(string key)
    {
        KeptContext context = Assert.IsType<KeptContext>(_contexts.TryTake(key));
        Directory.CreateDirectory(context.Directory);
        File.WriteAllText($"{context.Directory}/f", key);
        return context;
    }
}
