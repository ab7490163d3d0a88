using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// The program is killed again and again while images are pushed and deleted: what was acknowledged is there afterwards.
/// </summary>
public sealed class KillTests
{
    private const int Rounds = 6;
    private const int PushesPerRound = 85;

    // A kill comes after so many acknowledged pushes, in the midst of others.
    private const int PushersAtOnce = 4;

    [Fact]
    public async Task Hub_KilledDuringPushes_LosesNothingThatWasAcknowledged()
    {
        var acknowledged = new Dictionary<string, byte[]>();
        var random = new Random(7);
        HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        HubProgram first = hub;
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                await PushUntilKilledAsync(hub, acknowledged, random.Next(PushesPerRound / 2, PushesPerRound));
                HubProgram former = hub;
                hub = await former.StartAgainAsync("--anonymous-push");
                if (former != first)
                    await former.DisposeAsync();
                await CheckAsync(hub, acknowledged);
            }
            Assert.True(acknowledged.Count >= Rounds * PushesPerRound / 2, "too little was pushed");
        }
        finally
        {
            if (hub != first)
                await hub.DisposeAsync();
            await first.DisposeAsync();
        }
    }

    private static async Task PushUntilKilledAsync(HubProgram hub, Dictionary<string, byte[]> acknowledged, int count)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        int done = 0;
        await Task.WhenAll(Enumerable.Range(0, PushersAtOnce).Select(async _ =>
        {
            while (!hub.Process.HasExited)
            {
                byte[] layer = RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 300_000));
                string tag = $"t{Guid.NewGuid():N}";
                try
                {
                    if (!await TryPushAsync(client, tag, layer))
                        continue;
                }
                catch (HttpRequestException)
                {
                    return;
                }
                lock (acknowledged)
                    acknowledged.Add(tag, layer);
                if (Interlocked.Increment(ref done) == count)
                    hub.Process.Kill();
            }
        }));
        await hub.Process.WaitForExitAsync();
    }

    private static async Task<bool> TryPushAsync(HttpClient client, string tag, byte[] layer)
    {
        foreach (byte[] blob in new[] { "{}"u8.ToArray(), layer })
        {
            using HttpResponseMessage begun = await client.PostAsync(new Uri("/v2/test/kill/blobs/uploads/", UriKind.Relative), null);
            if (begun.StatusCode != HttpStatusCode.Accepted)
                return false;
            using HttpResponseMessage sent = await client.PutAsync(
                new Uri($"{begun.Headers.Location}?digest=sha256:{Hex(blob)}", UriKind.Relative), new ByteArrayContent(blob));
            if (sent.StatusCode != HttpStatusCode.Created)
                return false;
        }
        using HttpResponseMessage manifest = await client.PutAsync(
            new Uri($"/v2/test/kill/manifests/{tag}", UriKind.Relative), new ByteArrayContent(Encoding.UTF8.GetBytes(Manifest(layer))));
        return manifest.StatusCode == HttpStatusCode.Created;
    }

    private static async Task CheckAsync(HubProgram hub, Dictionary<string, byte[]> acknowledged)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        foreach ((string tag, byte[] layer) in acknowledged)
        {
            Assert.Equal(Manifest(layer), await client.GetStringAsync(new Uri($"/v2/test/kill/manifests/{tag}", UriKind.Relative)));
            byte[] content = await client.GetByteArrayAsync(new Uri($"/v2/test/kill/blobs/sha256:{Hex(layer)}", UriKind.Relative));
            Assert.Equal(layer, content);
        }
    }

    private static string Manifest(byte[] layer) =>
        $$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{{Hex("{}"u8.ToArray())}}","size":2},
        "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:{{Hex(layer)}}","size":{{layer.Length}}}]}
        """;

    private static string Hex(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
