using System.Diagnostics;
using Berth.Registry.Tests.Database;
using Npgsql;

[assembly: AssemblyFixture(typeof(TestClusterEnd))]

namespace Berth.Registry.Tests.Database;

/// <summary>Ends the cluster after the last test. Not while the process ends: hundreds of databases take longer to remove than the
/// runner waits.</summary>
public sealed class TestClusterEnd : IDisposable
{
    public void Dispose() => TestCluster.End();
}

/// <summary>A PostgreSQL of this run alone: started when the first test asks, reached by a unix socket, gone after the last.</summary>
internal static class TestCluster
{
    private static readonly Lazy<string?> s_directory = new(Start);
    private static Action? s_stop;
    private static int s_databases;

    /// <summary>The connection string of a new, empty database.</summary>
    public static string NewDatabase()
    {
        string? directory = s_directory.Value;
        Assert.SkipWhen(directory is null, "PostgreSQL's server programs are not installed (./dev setup)");
        string name = $"hub{Interlocked.Increment(ref s_databases)}";
        using NpgsqlDataSource source = NpgsqlDataSource.Create(Connection(directory!, "postgres"));
        using NpgsqlCommand command = source.CreateCommand($"create database {name}");
        command.ExecuteNonQuery();
        return Connection(directory!, name);
    }

    /// <summary>Stops the server and removes its files, if it was started.</summary>
    public static void End() => s_stop?.Invoke();

    private static string Connection(string directory, string database) =>
        $"Host={directory};Username=postgres;Database={database};Maximum Pool Size=20";

    private static string? Start()
    {
        string? programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Join(version, "bin"))
                .LastOrDefault(bin => File.Exists(Path.Join(bin, "initdb")))
            : null;
        if (programs is null)
            return null;
        string directory = Directory.CreateTempSubdirectory("berth-pg-").FullName;
        // The server refuses to run as root: it gets the directory as Debian's own user.
        if (Environment.IsPrivilegedProcess)
            Run("chown", "postgres", directory);
        string data = Path.Join(directory, "data");
        AsServer(Path.Join(programs, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync");
        AsServer(Path.Join(programs, "pg_ctl"), "-D", data, "-w", "-t", "60", "-l", Path.Join(directory, "log"), "-o",
            $"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -c max_connections=200", "start");
        s_stop = () => Stop(programs, directory);
        return directory;
    }

    private static void Stop(string programs, string directory)
    {
        AsServer(Path.Join(programs, "pg_ctl"), "-D", Path.Join(directory, "data"), "-m", "immediate", "stop");
        Directory.Delete(directory, recursive: true);
    }

    private static void AsServer(string program, params string[] arguments)
    {
        if (Environment.IsPrivilegedProcess)
            Run("setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", program, .. arguments]);
        else
            Run(program, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Output goes nowhere: the server keeps the descriptors that pg_ctl was given, and reading them would never end.
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1 </dev/null", program, .. arguments])
        {
            WorkingDirectory = "/",
        })!;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
