using System.Globalization;
using Berth.Faults;
using Berth.Linux.Processes;

namespace Berth.Runtime.Plans;

/// <summary>How likely the kernel is to kill a process for memory: <c>oom_score_adj</c>. proc_pid_oom_score_adj(5).</summary>
internal static class OomScores
{
    private const int Least = -1000, Most = 1000;
    private const ulong MayRaise = 1UL << 24; // CAP_SYS_RESOURCE

    // The kernel asks for it in the machine's first user namespace, whatever a process may do in its own.
    private static bool MayLower => (Capabilities.Host & MayRaise) != 0 && UserNamespace.IsInitial;

    private static int Own => int.Parse(File.ReadAllText("/proc/self/oom_score_adj"), CultureInfo.InvariantCulture);

    /// <summary>Refuses what is no such value.</summary>
    /// <exception cref="FaultException">InvalidArgument.</exception>
    public static void Check(int? asked)
    {
        if (asked is < Least or > Most)
            throw FaultException.Invalid($"oomScoreAdj {asked}: must be from {Least} to {Most}");
    }

    /// <summary>What this host can give: below its own value it needs CAP_SYS_RESOURCE.</summary>
    public static int? Given(int? asked, IList<string> warnings) => Given(asked, MayLower ? Least : Own, warnings);

    /// <summary>The same where the least possible value is known.</summary>
    internal static int? Given(int? asked, int least, IList<string> warnings)
    {
        if (asked is not { } score || score >= least)
            return asked;
        warnings.Add($"oom_score_adj {score} cannot be set: it stays at {least}: this host lacks CAP_SYS_RESOURCE");
        return least;
    }
}
