using System.Diagnostics;

namespace Berth.Bench.Hub;

/// <summary>A server of images on loopback: the hub, docker-registry, or nginx with the same bytes as files.</summary>
internal sealed class Server : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private Server(string name, Process process, Uri address) => (Name, _process, Address) = (name, process, address);

    public string Name { get; }

    public Uri Address { get; }

    /// <summary>The most memory that its processes ever had, in MB.</summary>
    public double PeakMemory => Processes().Sum(pid => Memory.Peak(pid));

    /// <summary>The hub, where everybody may push.</summary>
    public static Server Berth(string bin, string data, params string[] options)
    {
        Process process = Start(
            Path.Join(bin, "berth-hub"), ["serve", "--listen", "127.0.0.1:0", "--data", data, "--anonymous-push", "--log-level", "error", .. options]);
        return Listen("berth", process, process.StandardOutput, "listens on http://");
    }

    /// <summary>Debian's docker-registry as it comes, with files as storage.</summary>
    public static Server DockerRegistry(string data)
    {
        Directory.CreateDirectory(data);
        File.WriteAllText($"{data}/config.yml",
            $"version: 0.1\nlog: {{ level: info, accesslog: {{ disabled: true }} }}\nhttp: {{ addr: '127.0.0.1:0' }}\n"
            + $"storage: {{ filesystem: {{ rootdirectory: {data}/files }}, cache: {{ blobdescriptor: inmemory }} }}\n");
        Process process = Start("docker-registry", ["serve", $"{data}/config.yml"]);
        return Listen("docker-registry", process, process.StandardError, "listening on ");
    }

    /// <summary>nginx, which serves a directory by sendfile.</summary>
    public static Server Nginx(string root, int port)
    {
        File.WriteAllText($"{root}.conf",
            $$"""
            daemon off; worker_processes auto; pid {{root}}.pid; error_log stderr error;
            events { worker_connections 1024; }
            http {
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
                client_body_temp_path {{root}}.t1; proxy_temp_path {{root}}.t2; fastcgi_temp_path {{root}}.t3; uwsgi_temp_path {{root}}.t4;
                scgi_temp_path {{root}}.t5;
                server { listen 127.0.0.1:{{port}}; root {{root}}; }
            }
            """);
        Process process = Start("nginx", ["-c", $"{root}.conf"]);
        Command.Shell($"for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:{port}/ && exit 0; sleep 0.1; done; exit 1");
        return new Server("nginx", process, new Uri($"http://127.0.0.1:{port}"));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Command.Shell($"kill -TERM {_process.Id}");
        if (!_process.WaitForExit(s_patience))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardOutput = true, RedirectStandardError = true,
    })!;

    private static Server Listen(string name, Process process, StreamReader said, string before)
    {
        while (said.ReadLine() is { } line)
        {
            int at = line.IndexOf(before, StringComparison.Ordinal);
            if (at < 0)
                continue;
            string address = line[(at + before.Length)..].Split('"', '/', ' ')[0];
            foreach (StreamReader rest in new[] { process.StandardOutput, process.StandardError })
                _ = rest.BaseStream.CopyToAsync(Stream.Null);
            return new Server(name, process, new Uri($"http://{address}"));
        }
        throw new InvalidOperationException($"{name} ended before it listened");
    }

    private IEnumerable<int> Processes() =>
        Command.Shell($"echo {_process.Id}; pgrep -P {_process.Id} || true").Split('\n').Select(int.Parse);
}
