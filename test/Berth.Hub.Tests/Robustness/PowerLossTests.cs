using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// The power is cut again and again while images are pushed, moved, deleted and collected, and blobs uploaded in pieces: what was
/// acknowledged is so afterwards, and no image lacks a blob.
/// </summary>
public sealed class PowerLossTests
{
    private const int Workers = 3;

    // Who send the same blobs at the same time: one is stored, the others are answered because it is there.
    private const int WorkersWithTheSame = 8;
    private const int StepsPerRoundMax = 60;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly byte[][] _layers = [.. Enumerable.Range(0, 10).Select(i => RandomNumberGenerator.GetBytes(1 + (i * 20_000)))];
    private readonly byte[] _control = RandomNumberGenerator.GetBytes(100_000);
    private readonly List<TagWorker> _tags = [];
    private readonly List<BlobWorker> _blobs = [];
    private readonly Random _random = new();
    private readonly ConcurrentQueue<string> _log = [];
    private int _collections;
    private int _lost;

    private static int Rounds(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("BERTH_POWER_ROUNDS"), out int rounds) ? rounds : usual;

    [Theory]
    [InlineData("ext4", false, false, 5)]
    [InlineData("ext4", true, false, 4)]
    [InlineData("ext4", true, true, 4)]
    [InlineData("xfs", false, false, 3)]
    public async Task Hub_WhosePowerIsCut_LosesNothingThatWasAcknowledged(
        string fileSystem, bool collects, bool sendsTheSame, int usualRounds)
    {
        await using PowerDisk disk = await PowerDisk.MakeAsync(fileSystem);
        var common = new CommonImages();
        for (int i = 0; i < (sendsTheSame ? WorkersWithTheSame : Workers); i++)
        {
            int worker = i;
            _tags.Add(new TagWorker($"test/w{i}", new Random(_random.Next()), _layers)
            {
                MayFail = true, Images = sendsTheSame ? () => common.Next(worker) : null,
            });
        }
        // What no image needs stays only where it is not collected at once.
        for (int i = 0; i < (collects || sendsTheSame ? 0 : Workers); i++)
            _blobs.Add(new BlobWorker($"test/b{i}", new Random(_random.Next())));
        for (int round = 0; round < Rounds(usualRounds); round++)
        {
            // At first as soon as anything was acknowledged: all that the first start makes is new then.
            await RunUntilCutAsync(disk, round == 0 ? 1 : _random.Next(2, StepsPerRoundMax), collects);
            await disk.RecoverAsync();
            LookAtControl(disk);
            try
            {
                await CheckAsync(disk);
            }
            catch
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"round {round}\n{string.Join('\n', _log.TakeLast(40))}");
                throw;
            }
            _log.Clear();
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{TagSteps()} steps with tags and {_blobs.Sum(worker => worker.Acknowledged)} with blobs; open "
            + $"uploads: {_blobs.Sum(worker => worker.Whole)} whole, {_blobs.Sum(worker => worker.Shorter)} shorter, "
            + $"{_blobs.Sum(worker => worker.Gone)} gone, {_blobs.Sum(worker => worker.Held)} held; {_collections} collections; "
            + $"{_lost} of {Rounds(usualRounds)} unsynced files lost");
        Assert.True(_lost > 0, "what was written without a sync has survived every cut: this test shows nothing");
        Assert.True(TagSteps() >= Rounds(usualRounds) - 1, "too little was done");
    }

    private static string Control(PowerDisk disk) => Path.Join(disk.Path, "control");

    private int TagSteps() => _tags.Sum(worker => worker.Acknowledged);

    private Task<HubProgram> StartAsync(PowerDisk disk, bool collects) => HubProgram.StartHeardAsync(
        new DirectoryInfo(disk.Path), _log.Enqueue,
        "--anonymous-push", "--unused-blob-time", collects ? "1s" : "6h", "--collection-interval", "1s");

    private async Task RunUntilCutAsync(PowerDisk disk, int steps, bool collects)
    {
        await using HubProgram hub = await StartAsync(disk, collects);
        using var power = new PowerHandler();
        using HttpClient client = new(power) { BaseAddress = hub.Address };
        int former = TagSteps();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int done = 0;
        async Task WorkAsync(Func<HttpClient, Task<bool>> stepAsync)
        {
            try
            {
                while (await stepAsync(client))
                {
                    // Blobs are uploaded faster than images: of many steps at least one is to be an image's.
                    if (Interlocked.Increment(ref done) >= steps && (steps == 1 || TagSteps() > former))
                        enough.TrySetResult();
                }
            }
            catch (HttpRequestException)
            {
                // Broken off in the midst of an answer.
            }
        }
        Task work = Task.WhenAll(
            [.. _tags.Select(worker => WorkAsync(worker.StepAsync)), .. _blobs.Select(worker => WorkAsync(worker.StepAsync))]);
        Task collecting = collects ? CollectUntilCutAsync(hub, disk) : Task.CompletedTask;
        try
        {
            await Task.WhenAny(enough.Task, work).WaitAsync(s_patience);
            await Task.Delay(_random.Next(20));
            // Not with File.WriteAllBytes, which has the room on the disk set aside beforehand.
            await using (FileStream control = new(Control(disk), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
                await control.WriteAsync(_control);
            power.IsCut = true;
            disk.Cut();
            await work.WaitAsync(s_patience);
        }
        finally
        {
            hub.Process.Kill();
            await collecting;
        }
    }

    // By other processes on the same data, which end with the disk: what is unused for a second goes.
    private async Task CollectUntilCutAsync(HubProgram hub, PowerDisk disk)
    {
        string configuration = disk.Beside("gc.json");
        await File.WriteAllTextAsync(configuration, """{ "unused-blob-time": "1s" }""");
        while (!hub.Process.HasExited)
        {
            using Process collector = Process.Start(new ProcessStartInfo(
                HubTool.Hub, ["gc", "--config", configuration, "--data", hub.DataDirectory])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            Task<string> output = collector.StandardOutput.ReadToEndAsync();
            Task<string> errors = collector.StandardError.ReadToEndAsync();
            await Task.WhenAny(hub.Process.WaitForExitAsync(), collector.WaitForExitAsync());
            if (hub.Process.HasExited)
                collector.Kill();
            await collector.WaitForExitAsync();
            await errors;
            // "12 blobs removed, …"
            if (int.TryParse((await output).Split(' ')[0], out int removed))
                _collections += Math.Sign(removed);
        }
    }

    private async Task CheckAsync(PowerDisk disk)
    {
        // Nothing is collected before it was looked at.
        await using HubProgram hub = await StartAsync(disk, collects: false);
        using HttpClient client = new() { BaseAddress = hub.Address };
        foreach (TagWorker worker in _tags)
            await worker.CheckAsync(client);
        foreach (BlobWorker worker in _blobs)
            await worker.CheckAsync(client);
        // A backup reads every blob that the database names, and holds its bytes against its digest.
        string backup = Directory.CreateTempSubdirectory("berth-power-backup-").FullName;
        try
        {
            await HubTool.OnAsync(hub.DataDirectory, "", "backup", backup);
        }
        finally
        {
            Directory.Delete(backup, recursive: true);
        }
    }

    // The file may be there and even have its length, but not its bytes; unless the kernel happened to write everything just then.
    private void LookAtControl(PowerDisk disk)
    {
        byte[] there = File.Exists(Control(disk)) ? File.ReadAllBytes(Control(disk)) : [];
        _lost += _control.AsSpan().SequenceEqual(there) ? 0 : 1;
        File.Delete(Control(disk));
    }
}
