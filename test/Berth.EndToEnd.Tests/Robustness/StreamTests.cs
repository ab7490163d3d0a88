using System.Diagnostics;
using System.Security.Cryptography;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>Large streams through <c>berth run</c> and <c>berth exec</c>: every byte arrives, also the last before the end.</summary>
[Collection(nameof(RobustnessCollection))]
public sealed class StreamTests
{
    private const long Megabytes = 300;

    // A pattern that no lost, doubled or exchanged piece leaves as it is.
    private const string Numbers = "seq 1 40000000 | head -c " + "314572800";

    [Fact]
    public async Task RunAndExec_HundredsOfMegabytes_NoByteIsLostAtTheEnd()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string expected = Expected();
        Assert.Equal((Megabytes << 20, expected), await HashAsync(daemon, "run", "--rm", "--network", "none", "bb", "sh", "-c", Numbers));
        await daemon.BerthAsync("run", "-d", "--name", "host", "--network", "none", "bb", "sleep", "100000");
        Assert.Equal((Megabytes << 20, expected), await HashAsync(daemon, "exec", "host", "sh", "-c", Numbers));
        // In through the standard input and out again, with the end of it passed on.
        Assert.Equal((Megabytes << 20, expected), await HashAsync(daemon, "exec", "-i", "host", "cat"));
    }

    [Fact]
    public async Task Run_ShortOutputs_AreWholeEveryTime()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            Completed run = await daemon.BerthAsync(
                "run", "--rm", "--network", "none", "bb", "sh", "-c", $"seq 1 {i * 100}; echo problem {i} >&2; exit {i}");
            Assert.Equal((i, string.Concat(Enumerable.Range(1, i * 100).Select(n => $"{n}\n")), $"problem {i}\n"),
                (run.Code, run.Output, run.Errors));
        });
    }

    private static IEnumerable<byte[]> Pieces()
    {
        long left = Megabytes << 20;
        MemoryStream piece = new();
        for (int number = 1; left > 0; number++)
        {
            piece.Write(System.Text.Encoding.ASCII.GetBytes($"{number}\n"));
            if (piece.Length < 128 * 1024 && piece.Length < left)
                continue;
            yield return piece.ToArray()[..(int)Math.Min(piece.Length, left)];
            left -= Math.Min(piece.Length, left);
            piece.SetLength(0);
        }
    }

    private static string Expected()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] piece in Pieces())
            hash.AppendData(piece);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static async Task<(long Bytes, string Hash)> HashAsync(OwnDaemon daemon, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(EngineFixture.Berth, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, Environment = { ["DOCKER_HOST"] = daemon.Address },
        })!;
        Task feeding = arguments.Contains("-i") ? FeedAsync(process) : Task.CompletedTask;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[256 * 1024];
        long bytes = 0;
        while (await process.StandardOutput.BaseStream.ReadAsync(buffer) is > 0 and int count)
        {
            hash.AppendData(buffer, 0, count);
            bytes += count;
        }
        await feeding;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return (bytes, Convert.ToHexStringLower(hash.GetCurrentHash()));
    }

    private static async Task FeedAsync(Process process)
    {
        foreach (byte[] piece in Pieces())
            await process.StandardInput.BaseStream.WriteAsync(piece);
        process.StandardInput.Close();
    }
}
