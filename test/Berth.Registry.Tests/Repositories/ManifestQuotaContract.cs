using System.Net;
using Berth.Faults;
using Berth.Registry.Accounts;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Repositories;

/// <summary>Manifests need space as blobs do, so a quota counts them.</summary>
public abstract class ManifestQuotaContract(HubRig hub)
{
    private static readonly Caller s_operator = new() { Name = "operator", IsAdministrator = true };
    private static readonly string s_large = Index(2000);
    private static readonly string s_small = Index(100);

    [Fact]
    public async Task ManifestBeyondTheQuota_IsDenied_AndLeavesNothing()
    {
        await hub.Services.Accounts.Users.CreateAsync(s_operator, new NewUser("beyond", "correct horse battery"), default);
        await hub.Services.Operation.Quotas.SetAsync(s_operator, "beyond", 1000, default);
        using HttpResponseMessage denied = await hub.PutManifestAsync("beyond/app", "v1", s_large, HubRig.OciIndex);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Equal("DENIED", await HubRig.CodeAsync(denied));
        Assert.Equal((0, 0), await UsedAsync("beyond"));
        using HttpResponseMessage list = await hub.GetAsync("/v2/beyond/app/tags/list");
        Assert.Equal("NAME_UNKNOWN", await HubRig.CodeAsync(list));
    }

    [Fact]
    public async Task Quota_OfANameThatNobodyHas_IsRefused()
    {
        var fault = await Assert.ThrowsAsync<FaultException>(
            () => hub.Services.Operation.Quotas.SetAsync(s_operator, "nosuch", 1000, default));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
        Assert.StartsWith("quota nosuch: there is no user or organisation of this name", fault.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), await UsedAsync("nosuch"));
        // Names of one part, and those of repositories that wait for their owner.
        await hub.Services.Operation.Quotas.SetAsync(s_operator, "", null, default);
        await PutAsync("imported/app", "v1", s_small);
        await hub.Services.Operation.Quotas.SetAsync(s_operator, "imported", 100_000, default);
    }

    [Fact]
    public async Task Manifest_IsCountedOnceForARepository_AndTakenOffWithIt()
    {
        foreach ((string name, string tag, int copies) in new[] { ("counted/a", "v1", 1), ("counted/a", "v2", 1), ("counted/b", "v1", 2) })
        {
            await PutAsync(name, tag, s_small);
            Assert.Equal((copies * s_small.Length, copies * s_small.Length), await UsedAsync("counted"));
        }
        using HttpResponseMessage deleted = await hub.SendAsync(HttpMethod.Delete, $"/v2/counted/a/manifests/{HubRig.DigestOf(s_small)}");
        Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        Assert.Equal((s_small.Length, s_small.Length), await UsedAsync("counted"));
        await hub.Services.Browsing.Settings.DeleteAsync(s_operator, RepositoryName.Parse("counted/b"), default);
        Assert.Equal((0, 0), await UsedAsync("counted"));
    }

    [Fact]
    public async Task ManifestThatRetentionRemoves_IsTakenOff()
    {
        await PutAsync("retained/app", "v1", s_small);
        await PutAsync("retained/app", "v1", s_large);
        long id = (await hub.Services.Database.ReadAsync(
            (transaction, token) => RepositoryTable.FindAsync(transaction, RepositoryName.Parse("retained/app"), token), default))!.Id;
        await hub.Services.Browsing.Retention.AddAsync(s_operator, id, new RetentionRule { KeepDays = 1 }, default);
        hub.Time.Advance(TimeSpan.FromDays(2));
        // The hub's own hourly run may have been quicker: then this finds nothing left.
        await hub.Services.Browsing.Retention.RunAsync(s_operator, id, default);
        Assert.Equal((s_large.Length, s_large.Length), await UsedAsync("retained"));
    }

    [Fact]
    public async Task FiguresOfAnOlderHub_AreCountedAnew()
    {
        await hub.PushImageAsync("older/app", "v1");
        (long used, _) = await UsedAsync("older");
        // As a hub left it that counted blobs alone, for one that had some, and one that had none.
        await PutAsync("unheard/app", "v1", s_small);
        await hub.Services.Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
            $"""
            delete from migrations where subject = 'registry' and number = 2;
            delete from quotas where namespace = 'unheard';
            update quotas set bytes_used = 1 where namespace = 'older';
            """, token), default);
        await hub.Services.Database.MigrateAsync(HubSchema.Steps, hub.Time, default);
        Assert.Equal((used, used), await UsedAsync("older"));
        Assert.Equal((s_small.Length, s_small.Length), await UsedAsync("unheard"));
    }

    private static string Index(int length) =>
        $$$"""{"schemaVersion":2,"mediaType":"{{{HubRig.OciIndex}}}","manifests":[],"annotations":{"a":"{{{new string('x', length)}}}"}}""";

    private async Task PutAsync(string repository, string tag, string document)
    {
        using HttpResponseMessage put = await hub.PutManifestAsync(repository, tag, document, HubRig.OciIndex);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
    }

    // As it is kept, and as the rows have it.
    private Task<(long Kept, long Counted)> UsedAsync(string space) => hub.Services.Database.ReadAsync(
        async (transaction, token) => (
            (await QuotaTable.FindAsync(transaction, space, token)).BytesUsed, await QuotaTable.CountAsync(transaction, space, token)), default);
}
