using System.Diagnostics;
using Berth.Layers.Tar;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Layers.Tests;

internal static class Tars
{
    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TarEntry File(string path, long size = 0) =>
        new() { Type = TarEntryType.RegularFile, Path = Bytes(path), Mode = 0x1A4, Size = size };

    public static TarEntry Dir(string path) => new() { Type = TarEntryType.Directory, Path = Bytes(path), Mode = 0x1ED };

    public static TarEntry Link(TarEntryType type, string path, string target) =>
        new() { Type = type, Path = Bytes(path), LinkTarget = Bytes(target), Mode = 0x1FF };

    public static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    public static byte[] Of(params IEnumerable<(TarEntry Entry, string Data)> entries)
    {
        MemoryStream stream = new();
        TarWriter writer = new(stream);
        foreach ((TarEntry entry, string data) in entries)
            writer.Write(entry, Bytes(data));
        writer.Finish();
        return stream.ToArray();
    }

    public static byte[] Of(params IEnumerable<TarEntry> entries) => Of(entries.Select(entry => (entry, "")));

    public static Task<Layer> ApplyAsync(ILayerStore store, ChainId? parent, byte[] tar) =>
        store.ApplyAsync(parent, new DiffId(Digest.Of(tar)), new MemoryStream(tar), Cancel);
}

internal static class Shell
{
    public static string Run(string command)
    {
        ProcessStartInfo start = new("/bin/sh", ["-ec", command]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command}: {error.Result}");
        return output;
    }
}

/// <summary>Gives its bytes only once it is opened.</summary>
internal sealed class GatedStream(byte[] content) : MemoryStream(content)
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool Unread { get; init; }

    public Task Reached => _reached.Task;

    public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Assert.False(Unread, "this stream is not to be read");
        _reached.TrySetResult();
        await Open.Task.WaitAsync(cancellationToken);
        return Read(buffer.Span);
    }
}

public sealed class Scratch : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("layers-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Berth.Layers.Trees.TreeRemover.Remove(Root);
}
