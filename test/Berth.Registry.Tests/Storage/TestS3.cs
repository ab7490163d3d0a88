using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Registry.Storage;
using Berth.Tests;

namespace Berth.Registry.Tests.Storage;

/// <summary>An S3 service of this run alone (s3rver of npm, installed by <c>./dev setup</c>), on a free loopback port, gone with the process.</summary>
internal static class TestS3
{
    private const string Bucket = "hub";

    private static readonly Lazy<Uri?> s_endpoint = new(Start);

    /// <summary>The service's bucket; every test class takes a prefix of its own.</summary>
    public static S3Options Options(string prefix)
    {
        Assert.SkipWhen(
            s_endpoint.Value is null, "s3rver is not installed (./dev setup), or these tests were started outside of the project");
        return new S3Options
        {
            Endpoint = s_endpoint.Value!, Bucket = Bucket, Prefix = prefix, AccessKey = "S3RVER", SecretKey = "S3RVER",
        };
    }

    private static Uri? Start()
    {
        if ((FindRoot(AppContext.BaseDirectory) ?? FindRoot(Environment.CurrentDirectory)) is not { } root)
            return null;
        string modules = Path.Join(root, "out", "node", "node_modules");
        string program = Path.Join(modules, ".bin", "s3rver");
        if (!File.Exists(program))
            return null;
        string durable = Path.Join(root, "test", "Berth.Registry.Tests", "Storage", "durable.cjs");
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-s3-");
        int port = FreePort.Next();
        Process process = Process.Start(new ProcessStartInfo(
            program,
            ["--directory", directory.FullName, "--port", $"{port}", "--address", "127.0.0.1", "--no-vhost-buckets", "--silent",
                "--configure-bucket", Bucket])
        {
            Environment =
            {
                // Quoted: the project may lie in a directory with a space.
                ["NODE_OPTIONS"] = $"--require \"{durable.Replace("\\", "\\\\", StringComparison.Ordinal)}\"",
                ["S3RVER_MODULES"] = modules,
            },
        })!;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            process.Kill();
            process.WaitForExit();
            directory.Delete(recursive: true);
        };
        WaitFor(port, process);
        return new Uri($"http://127.0.0.1:{port}");
    }

    private static void WaitFor(int port, Process process)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Connect(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (!process.HasExited && patience.Elapsed < TimeSpan.FromSeconds(60))
            {
                Thread.Sleep(50);
            }
        }
    }

    private static string? FindRoot(string? directory)
    {
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory;
    }
}
