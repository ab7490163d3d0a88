using System.Globalization;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.RuntimeProgram.CommandLine;
using Berth.Stage;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>The caller's descriptors that a process gets, from 3 on: sockets of socket activation, then those of
/// <c>--preserve-fds</c>.</summary>
/// <remarks>sd_listen_fds(3). As runc, for <c>create</c> and <c>run</c> only: <c>exec</c> knows no activation.</remarks>
internal static class PassedDescriptors
{
    private const int First = 3, Most = 1024;

    /// <summary>How many are of socket activation: <c>LISTEN_FDS</c>, where <c>LISTEN_PID</c> says that it is for this process.</summary>
    public static int Activated(Func<string, string?> variable) =>
        Number(variable("LISTEN_PID")) == Environment.ProcessId && Number(variable("LISTEN_FDS")) is > 0 and var count ? count : 0;

    private static int Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    /// <summary>Says to the program which are for it.</summary>
    public static RuntimeSpec Tell(RuntimeSpec spec, int activated) => activated == 0 || spec.Process is not { } process ? spec : spec with
    {
        Process = process with { Env = [.. process.Env ?? [], $"LISTEN_FDS={activated}", "LISTEN_PID=1"] },
    };

    /// <summary>How many there are in all.</summary>
    /// <exception cref="FaultException">InvalidArgument: the caller did not open so many. What this program itself has opened under their
    /// numbers would be the container's.</exception>
    public static int Count(Call call, int activated)
    {
        long preserved = call.Arguments.Number("preserve-fds") ?? 0;
        if (preserved is < 0 or > Most)
            throw FaultException.Invalid($"--preserve-fds {preserved}: it is 0 to {Most}");
        if (activated > Most)
            throw FaultException.Invalid($"LISTEN_FDS={activated}: it is 0 to {Most}");
        int free = StartDescriptors.FirstFree;
        if (free < First + activated)
            throw FaultException.Invalid($"LISTEN_FDS={activated}: stat /proc/self/fd/{free}: no such file or directory");
        if (free < First + activated + preserved)
        {
            throw FaultException.Invalid($"unable to stat preserved-fd {free - First - activated} (of {preserved}): "
                + $"stat /proc/self/fd/{free}: no such file or directory");
        }
        return activated + (int)preserved;
    }
}
