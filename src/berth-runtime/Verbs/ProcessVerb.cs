using System.Diagnostics;
using System.Globalization;
using Berth.Faults;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>ps</c>.</summary>
internal static class ProcessVerb
{
    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "ps",
        Usage = "<container-id> [ps options]",
        Summary = "shows a container's processes",
        Options = [Option.Value("format", "table or json (default: table)", "f")],
        ArgumentsMax = int.MaxValue,
        TakesCommand = true,
        Run = Show,
    };

    private static int Show(Call call)
    {
        using BundleRuntime runtime = call.Open();
        IReadOnlyList<int> pids = runtime.Processes(call.Id);
        string format = call.Arguments.Value("format") ?? "table";
        if (format == "json")
            Console.Out.Write($"[{string.Join(',', pids)}]\n");
        else if (format == "table")
            ShowTable([.. pids], call.Arguments.Positional[1..]);
        else
            throw new UsageException("invalid format option");
        return 0;
    }

    private static void ShowTable(HashSet<int> pids, List<string> options)
    {
        using Process ps = Process.Start(new ProcessStartInfo("ps", options.Count > 0 ? options : ["-ef"])
        {
            RedirectStandardOutput = true,
        }) ?? throw FaultException.Internal("ps cannot be started");
        int column = -1;
        while (ps.StandardOutput.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (column < 0)
            {
                column = Array.IndexOf(fields, "PID");
                if (column < 0)
                    throw FaultException.Invalid("couldn't find PID field in ps output");
                Console.Out.WriteLine(line);
            }
            else if (fields.Length > column && int.TryParse(fields[column], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && pids.Contains(pid))
                Console.Out.WriteLine(line);
        }
        ps.WaitForExit();
        if (ps.ExitCode != 0)
            throw FaultException.Invalid($"ps: exit status {ps.ExitCode}");
    }
}
