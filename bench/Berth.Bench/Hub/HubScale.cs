namespace Berth.Bench.Hub;

/// <summary>
/// A hub of a hundred thousand repositories with a million tags beside one of a hundred with a thousand, on both databases: what people
/// ask for should cost the same.
/// </summary>
internal sealed class HubScale(string work, string bin, int samples)
{
    private const int Few = 100;
    private const int Many = 100_000;
    private const int Owners = 1000;
    private const int TagsEach = 10;

    private readonly Table _table = new($"{Few} repositories");

    /// <summary>What is asked for; a number between 0 and <see cref="Few"/> makes each question another one.</summary>
    private static IEnumerable<(string What, Func<int, string> Path)> Questions =>
    [
        ("list, most pulled first", n => $"/api/v1/repositories?limit={25 + (n % 25)}"),
        ("list, last pushed first", n => $"/api/v1/repositories?sort=updated&limit={25 + (n % 25)}"),
        ("names (`_catalog`)", n => $"/v2/_catalog?n={50 + (n % 50)}"),
        ("search, a word of all", n => $"/api/v1/repositories?q=image&limit={25 + (n % 25)}"),
        ("search, a word of 1 in 100", n => $"/api/v1/repositories?q=analysis&limit={25 + (n % 25)}"),
        ("search, a word of 1 in 1000", n => $"/api/v1/repositories?q=curious&limit={25 + (n % 25)}"),
        ("search, a rare word", n => $"/api/v1/repositories?q=serial{n}&limit=25"),
        ("search, a rare and a common word", n => $"/api/v1/repositories?q=image+serial{n}&limit=25"),
        ("search, two common words that rarely meet", n => $"/api/v1/repositories?q=odd+ten&limit={25 + (n % 25)}"),
        ("search, nothing has it", n => $"/api/v1/repositories?q=nothing{n}&limit=25"),
        ("tags of a repository", n => $"/api/v1/repositories/{NameOf(n)}/-/tags"),
        ("pull by tag (manifest)", n => $"/v2/{NameOf(n)}/manifests/v{(n % TagsEach) + 1}"),
    ];

    public void Run()
    {
        string cluster = StartCluster();
        try
        {
            foreach (string? database in new[] { null, cluster })
                Measure(database);
            _table.Save(Path.Join(Environment.GetEnvironmentVariable("BENCH_OUT") ?? "out/bench", "hub-scale.md"));
        }
        finally
        {
            AsPostgres($"pg_ctl -D {cluster}/data -m immediate stop");
        }
    }

    private void Measure(string? cluster)
    {
        string kind = cluster is null ? "SQLite" : "PostgreSQL";
        using Server few = Filled(Few, cluster);
        using Server many = Filled(Many, cluster);
        (string Name, Server Server, int Repositories)[] hubs = [($"{Few} repositories", few, Few), ("berth", many, Many)];
        foreach ((string what, Func<int, string> path) in Questions)
        {
            var times = hubs.ToDictionary(hub => hub.Name, _ => new List<double>());
            for (int round = -10; round < samples; round++)
            {
                foreach ((string name, Server server, int repositories) in hubs)
                {
                    // Over the whole of each: what is asked for often is no measure.
                    double time = Client.Time(server, path(new Random(round).Next(repositories) + 1));
                    if (round >= 0)
                        times[name].Add(time);
                }
            }
            _table.Add($"{what}, {kind}", "ms", times.ToDictionary(pair => pair.Key, pair => Table.Median(pair.Value)));
        }
        _table.Add($"most memory, {kind}", "MB", hubs.ToDictionary(hub => hub.Name, hub => hub.Server.PeakMemory));
    }

    private Server Filled(int repositories, string? cluster)
    {
        string data = Path.Join(work, $"scale-{repositories}-{(cluster is null ? "files" : "server")}");
        string name = $"scale{repositories}";
        string[] options = [];
        if (cluster is not null)
        {
            AsPostgres($"createdb -h {cluster} {name}");
            options = ["--database", $"Host={cluster};Username=postgres;Database={name}"];
        }
        using (Server hub = Server.Berth(bin, data, options))
            Client.Push(hub, "seed/app", "latest", new byte[1000]);
        string script = Path.Join(work, "fill.sql");
        File.WriteAllText(script, Fill(repositories));
        if (cluster is not null)
            AsPostgres($"psql -q -v ON_ERROR_STOP=1 -h {cluster} -d {name} -f {script} -c 'vacuum analyze'");
        else
            Command.Shell($"python3 -c 'import sqlite3; sqlite3.connect(\"{data}/hub.db\").executescript(open(\"{script}\").read())'");
        return Server.Berth(bin, data, options);
    }

    // One image for all: what is looked up is the rows, of which each repository has its own.
    private static string Fill(int repositories) =>
        $"""
        begin;
        with recursive numbers(n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < {repositories})
        insert into repositories(name, namespace, visibility, description, created_at, pushed_at, pull_count)
        select 'user' || (n % {Owners}) || '/app' || n, 'user' || (n % {Owners}), case when n % 10 = 3 then 'private' else 'public' end,
            'An image with the serial' || n || case when n % 100 = 0 then ' for analysis' else '' end
            || case when n % 1000 = 50 then ' of curious things' else '' end || case when n % 2 = 1 then ' odd' else '' end
            || case when n % 10 = 0 or n % 997 = 0 then ' ten' else '' end,
            n, n * 7919 % 100003, n * 104729 % 10007 from numbers;
        insert into manifests(repository_id, digest, media_type, config_digest, bytes, document, created_at)
        select r.id, m.digest, m.media_type, m.config_digest, m.bytes, m.document, 0 from repositories r, manifests m where r.name like 'user%';
        insert into manifest_references(manifest_id, repository_id, digest, kind)
        select m.id, m.repository_id, f.digest, f.kind from manifests m, manifest_references f
        where m.id <> f.manifest_id and f.manifest_id = (select min(id) from manifests);
        insert into repository_blobs(repository_id, digest, namespace, used_at)
        select r.id, b.digest, r.namespace, 0 from repositories r, blobs b where r.name like 'user%';
        with recursive numbers(n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < {TagsEach})
        insert into tags(repository_id, name, manifest_digest, updated_at)
        select m.repository_id, 'v' || n, m.digest, n from manifests m, numbers where m.id > (select min(id) from manifests);
        commit;
        """;

    private static string NameOf(int number) => $"user{number % Owners}/app{number}";

    private string StartCluster()
    {
        string cluster = Path.Join(work, "postgres");
        Command.Shell($"mkdir -p {cluster} && chown postgres {cluster}");
        AsPostgres($"initdb -D {cluster}/data -U postgres -A trust -E UTF8 --no-sync");
        AsPostgres($"pg_ctl -D {cluster}/data -w -l {cluster}/log -o \"-c listen_addresses='' -c unix_socket_directories={cluster}\" start");
        return cluster;
    }

    // The server refuses to run as root. Its output goes nowhere, because what it starts would hold it open.
    private void AsPostgres(string command) => Command.Shell(
        "export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | cut -d' ' -f1); cd /; "
        + $"setpriv --reuid postgres --regid postgres --clear-groups env PGUSER=postgres {command} "
        + $">/dev/null 2>{work}/postgres.log </dev/null || {{ cat {work}/postgres.log >&2; exit 1; }}");
}
