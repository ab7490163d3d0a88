namespace Berth.Bench.Hub;

/// <summary>The hub beside docker-registry and nginx: in each round every server takes its turn, so that noise falls on all alike.</summary>
internal sealed class HubCases(string work, string bin, int runs)
{
    private const int NginxPort = 5078;
    private const int Megabyte = 1_000_000;
    private const string Repository = "bench/app";

    // Each turn of wrk takes three seconds, each of an upload up to one.
    private const int RoundsMax = 7;

    private static readonly int[] s_blobs = [10, 100];
    private static readonly int[] s_uploads = [1, 10, 100];

    private readonly Table _table = new("docker-registry", "nginx");
    private readonly List<Server> _servers = [];
    private readonly Dictionary<int, string> _digests = [];

    public IReadOnlyList<(string Name, Action Run)> All =>
    [
        ("hub-manifest", Manifests), ("hub-blob", Blobs), ("hub-upload", Uploads),
        ("hub-scale", new HubScale(work, bin, Math.Max(runs, 20) * 5).Run),
    ];

    /// <summary>Runs the cases that are named, or all.</summary>
    public void Run(string[] names, string results)
    {
        (string Name, Action Run)[] chosen = [.. All.Where(one => names.Length == 0 || names.Contains(one.Name))];
        foreach ((_, Action run) in chosen)
            run();
        if (chosen.Length > 0)
            _table.Save(results);
    }

    private void Manifests() => Serving(work, () =>
    {
        string path = $"/v2/{Repository}/manifests/latest";
        Interleaved("manifest by tag, `GET`, 8 clients", "/s", server => Client.Requests(server, path, 8));
        Interleaved("manifest by tag, `HEAD`, 8 clients", "/s", server => Client.Heads(server, path, 8));
    });

    private void Blobs() => Serving(work, () =>
    {
        foreach (int size in s_blobs)
        {
            foreach (int clients in new[] { 8, 64 })
                Interleaved($"blob of {size} MB, `GET`, {clients} clients", "MB/s",
                    server => Client.Transfer(server, $"/v2/{Repository}/blobs/{_digests[size]}", clients));
        }
        _table.Add("most memory after that", "MB", _servers.ToDictionary(server => server.Name, server => server.PeakMemory));
    });

    // Onto a file system of a disk, because what the hub acknowledges is on it.
    private void Uploads()
    {
        string disk = Path.Join(Path.GetTempPath(), $"{Path.GetFileName(work)}-disk");
        Command.Shell($"mkdir -p {disk} && truncate -s 12G {disk}.img && mkfs.ext4 -q {disk}.img && mount -o loop {disk}.img {disk}");
        try
        {
            Serving(disk, () =>
            {
                foreach (int size in s_uploads)
                {
                    byte[] blob = new byte[size * Megabyte];
                    Random.Shared.NextBytes(blob);
                    foreach (bool isChunked in new[] { false, true })
                        Interleaved($"upload of {size} MB, {(isChunked ? "chunks of 5 MB" : "one request")}", "MB/s", server =>
                        {
                            // Nobody has it yet.
                            Random.Shared.NextBytes(blob.AsSpan(0, 64));
                            return Client.Upload(server, Repository, blob, isChunked);
                        }, server => server.Name != "nginx");
                }
            });
        }
        finally
        {
            Command.Shell($"umount {disk}; rm -r {disk} {disk}.img");
        }
    }

    private void Serving(string directory, Action measure)
    {
        string files = Path.Join(directory, "www");
        Directory.CreateDirectory(Path.Join(files, "v2", Repository, "manifests"));
        Directory.CreateDirectory(Path.Join(files, "v2", Repository, "blobs"));
        try
        {
            _servers.Add(Server.Berth(bin, Path.Join(directory, "hub")));
            _servers.Add(Server.DockerRegistry(Path.Join(directory, "registry")));
            _servers.Add(Server.Nginx(files, NginxPort));
            foreach (int size in s_blobs)
                Fill(size, Path.Join(files, "v2", Repository));
            measure();
        }
        finally
        {
            foreach (Server server in _servers)
                server.Dispose();
            _servers.Clear();
            Command.Shell($"rm -rf {directory}/hub {directory}/registry {directory}/www*");
        }
    }

    private void Fill(int size, string files)
    {
        byte[] layer = new byte[size * Megabyte];
        new Random(size).NextBytes(layer);
        foreach (Server server in _servers.Where(server => server.Name != "nginx"))
            (_digests[size], string manifest) = Put(server, layer, files);
        File.WriteAllBytes(Path.Join(files, "blobs", _digests[size]), layer);
    }

    private static (string Layer, string Manifest) Put(Server server, byte[] layer, string files)
    {
        (string digest, string manifest) = Client.Push(server, Repository, "latest", layer);
        File.WriteAllText(Path.Join(files, "manifests", "latest"), manifest);
        return (digest, manifest);
    }

    private void Interleaved(string what, string unit, Func<Server, double> measure, Func<Server, bool>? takesPart = null)
    {
        Server[] servers = [.. _servers.Where(server => takesPart?.Invoke(server) ?? true)];
        var values = servers.ToDictionary(server => server.Name, _ => new List<double>());
        for (int round = -1; round < Math.Min(runs, RoundsMax); round++)
        {
            foreach (Server server in servers)
            {
                double value = measure(server);
                if (round >= 0)
                    values[server.Name].Add(value);
            }
        }
        _table.Add(what, unit, values.ToDictionary(pair => pair.Key, pair => Table.Median(pair.Value)), isMoreBetter: true);
    }
}
