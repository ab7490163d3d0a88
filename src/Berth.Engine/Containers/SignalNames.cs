using Berth.Faults;

namespace Berth.Engine;

/// <summary>Signals by the names users write: <c>TERM</c>, <c>SIGTERM</c>, <c>15</c>, <c>RTMIN+3</c>. signal(7).</summary>
internal static class SignalNames
{
    private const int RealTimeMin = 34;
    private const int RealTimeMax = 64;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
        "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <exception cref="FaultException">InvalidArgument, with Docker's text.</exception>
    public static int Parse(string text)
    {
        string name = text.ToUpperInvariant();
        if (int.TryParse(name, out int number))
            return number is > 0 and <= RealTimeMax ? number : throw FaultException.Invalid($"Invalid signal: {text}");
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        int known = name switch
        {
            "IOT" => 6,
            "CLD" => 17,
            "POLL" => 29,
            "RTMIN" => RealTimeMin,
            "RTMAX" => RealTimeMax,
            _ when name.StartsWith("RTMIN+", StringComparison.Ordinal) && int.TryParse(name.AsSpan(6), out int up)
                && up is > 0 and <= 15 => RealTimeMin + up,
            _ when name.StartsWith("RTMAX-", StringComparison.Ordinal) && int.TryParse(name.AsSpan(6), out int down)
                && down is > 0 and <= 14 => RealTimeMax - down,
            _ => name.Length == 0 ? -1 : Array.IndexOf(s_names, name),
        };
        return known > 0 ? known : throw FaultException.Invalid($"Invalid signal: {text}");
    }
}
