using System.Diagnostics;
using Berth.Content;
using Berth.Layers.Stores;
using Berth.Oci;

namespace Berth.Layers.Tests;

/// <summary>Stores whose process was killed in the middle are whole when they are opened again.</summary>
public sealed class CrashTests : IDisposable
{
    private const int Rounds = 30;
    private readonly Scratch _scratch = new();
    private readonly Random _random = new(20260719);

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Layers_KilledAnywhere_OpenWhole()
    {
        Shell.Run($"mkdir {_scratch["t"]}; cd {_scratch["t"]}; for i in $(seq 200); do mkdir d$i; echo $i > d$i/f; done");
        byte[] tar = await CanonicalTarAsync();
        await File.WriteAllBytesAsync(_scratch["layer.tar"], tar, Tars.Cancel);
        for (int round = 0; round < Rounds; round++)
        {
            await KillAfterAsync(_random.Next(0, 14), "layers", _scratch["store"], _scratch["layer.tar"]);
            await using OverlayLayerStore store = new(_scratch["store"]);
            await store.SettleAsync();
            Assert.Empty(Directory.GetFileSystemEntries(_scratch["store/tmp"]));
            foreach (Layer layer in store.List())
            {
                using MemoryStream written = new();
                await store.WriteTarAsync(layer.Chain, written, Tars.Cancel);
                Assert.Equal(layer.DiffId.Digest, Digest.Of(written.ToArray()));
            }
            foreach (WritableLayer writable in store.ListWritable())
            {
                await store.CommitAsync(writable.Name, Tars.Cancel);
                store.RemoveWritable(writable.Name);
            }
            Assert.Equal(store.List().Count, Directory.GetDirectories(_scratch["store/l"]).Length);
            Assert.Empty(Directory.GetDirectories(_scratch["store/w"]));
            await Tars.ApplyAsync(store, null, tar);
            if (round % 4 == 0)
                RemoveAll(store);
        }
    }

    [Fact]
    public async Task Blobs_KilledAnywhere_OpenWhole()
    {
        for (int round = 0; round < Rounds; round++)
        {
            await KillAfterAsync(_random.Next(0, 20), "blobs", _scratch["blobs"]);
            FileBlobStore store = new(_scratch["blobs"]);
            foreach (Digest digest in store.List().ToArray())
            {
                using Stream content = store.OpenRead(digest);
                Assert.Equal(Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(content, Tars.Cancel)), digest.Hex);
                store.Delete(digest);
            }
            Assert.Empty(Directory.GetFiles(_scratch["blobs/ingest"], "new-*"));
            foreach (string partial in Directory.GetFiles(_scratch["blobs/ingest"]))
            {
                await using IBlobIngest ingest = store.Resume(Digest.Parse(Path.GetFileName(partial).Replace('-', ':')));
                Assert.Equal(new FileInfo(partial).Length, ingest.Written);
            }
        }
    }

    // A tar as the store itself writes it, so that a layer's tree can be compared with its diff ID.
    private async Task<byte[]> CanonicalTarAsync()
    {
        await using OverlayLayerStore store = new(_scratch["canonical"]);
        WritableLayer writable = store.CreateWritable("w", null);
        Shell.Run($"cp -a {_scratch["t"]}/. {writable.UpperDirectory}");
        using MemoryStream tar = new();
        await store.WriteChangesTarAsync("w", tar, Tars.Cancel);
        return tar.ToArray();
    }

    private static void RemoveAll(LayerStore store)
    {
        foreach (Layer layer in store.List().OrderBy(layer => layer.Parent is null).ToArray())
            store.Remove(layer.Chain);
    }

    private static async Task KillAfterAsync(int steps, params string[] arguments)
    {
        string program = typeof(CrashTests).Assembly.Location;
        using Process child = Process.Start(new ProcessStartInfo("dotnet", [program, "--child", .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        byte[] buffer = new byte[1];
        for (int i = 0; i < steps; i++)
        {
            if (await child.StandardOutput.BaseStream.ReadAsync(buffer, Tars.Cancel) == 0)
                Assert.Fail(await child.StandardError.ReadToEndAsync(Tars.Cancel));
        }
        child.Kill();
        await child.WaitForExitAsync(Tars.Cancel);
    }
}
