using System.Globalization;
using Berth.Faults;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>Reads signals as numbers or names, with or without <c>SIG</c>. signal(7), x86-64 and arm64.</summary>
internal static class SignalText
{
    private const int RealTimeFirst = 34, RealTimeLast = 64;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>The signal's number.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    public static int Parse(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number is >= 0 and <= RealTimeLast ? number : throw Unknown(text);
        string name = text.ToUpperInvariant();
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        int index = Array.IndexOf(s_names, name);
        if (index > 0)
            return index;
        return RealTime(name, "RTMIN", RealTimeFirst) ?? RealTime(name, "RTMAX", RealTimeLast) ?? throw Unknown(text);
    }

    private static int? RealTime(string name, string start, int from)
    {
        if (!name.StartsWith(start, StringComparison.Ordinal))
            return null;
        string rest = name[start.Length..];
        int distance = 0;
        if (rest.Length > 0 && !int.TryParse(rest, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out distance))
            return null;
        return from + distance is >= RealTimeFirst and <= RealTimeLast and var number ? number : null;
    }

    private static FaultException Unknown(string text) => FaultException.Invalid($"unknown signal \"{text}\"");
}
