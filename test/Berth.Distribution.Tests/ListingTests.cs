using Berth.Faults;
using Berth.Oci.References;
using Microsoft.AspNetCore.Http;

namespace Berth.Distribution.Tests;

/// <summary>Tags in pages, and search.</summary>
public sealed class ListingTests
{
    private static readonly string[] s_tags = [.. Enumerable.Range(0, 25).Select(i => $"t{i:d2}")];

    [Theory]
    [InlineData("", null, "t00", 25)]
    [InlineData("", 7, "t00", 7)]
    [InlineData("t07", 12, "t08", 12)]
    [InlineData("t20", 100, "t21", 4)]
    public async Task Tags_ComeInPages_AsManyAsAreWanted(string after, int? count, string first, int number)
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        // Five on a page, whatever is asked for.
        registry.Misbehave = async context =>
        {
            if (context.Request.Path != "/v2/a/b/tags/list")
                return false;
            string last = context.Request.Query["last"].ToString();
            string[] page = [.. s_tags.Where(tag => string.CompareOrdinal(tag, last) > 0).Take(5)];
            if (page.Length == 5)
                context.Response.Headers.Link = $"</v2/a/b/tags/list?last={page[^1]}&n=5>; rel=\"next\"";
            await context.Response.WriteAsync($$"""{"name":"a/b","tags":[{{string.Join(',', page.Select(tag => $"\"{tag}\""))}}]}""");
            return true;
        };
        using Rig rig = new();
        IReadOnlyList<string> tags = await rig.Distribution.ListTagsAsync(
            ImageReference.Parse($"{registry.Host}/a/b"), after, count, null, TestContext.Current.CancellationToken);
        Assert.Equal((first, number), (tags[0], tags.Count));
    }

    [Fact]
    public async Task Search_ReadsWhatTheRegistryFinds()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.Misbehave = async context =>
        {
            if (context.Request.Path != "/v1/search")
                return false;
            Assert.Equal(("a b&c", "7"), (context.Request.Query["q"].ToString(), context.Request.Query["n"].ToString()));
            await context.Response.WriteAsync("""
                {"num_results":2,"query":"x","results":[{"name":"alice/app","description":"An app","star_count":3,"is_official":true},null,{"name":"bob/app"}]}
                """);
            return true;
        };
        using Rig rig = new();
        IReadOnlyList<FoundRepository> found = await rig.Distribution.SearchAsync(
            registry.Host, "a b&c", 7, null, TestContext.Current.CancellationToken);
        Assert.Equal([new FoundRepository("alice/app", "An app", 3, true, false), new FoundRepository("bob/app", "", 0, false, false)], found);
    }

    [Theory]
    [InlineData(404, "{}", FaultKind.NotSupported)]
    [InlineData(200, "<html>", FaultKind.Unavailable)]
    [InlineData(200, "{\"results\":7}", FaultKind.Unavailable)]
    public async Task Search_WhereThereIsNone_SaysSo(int status, string body, FaultKind kind)
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.Misbehave = async context =>
        {
            if (context.Request.Path != "/v1/search")
                return false;
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(body);
            return true;
        };
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.Distribution.SearchAsync(
            registry.Host, "x", 7, null, TestContext.Current.CancellationToken));
        Assert.Equal(kind, fault.Kind);
    }
}
