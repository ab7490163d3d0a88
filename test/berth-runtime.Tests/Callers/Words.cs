namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>The flags of the command lines.</summary>
internal static class Words
{
    public static IEnumerable<string> Docker(CallerOptions options)
    {
        List<string> words = [];
        if (options.Input is not null)
            words.Add("-i");
        if (options.Terminal)
            words.Add("-t");
        if (options.User is { } user)
            words.AddRange(["--user", user]);
        if (options.Directory is { } directory)
            words.AddRange(["-w", directory]);
        if (options.Variable is { } variable)
            words.AddRange(["-e", variable]);
        if (options.ReadOnly)
            words.Add("--read-only");
        if (options.NoCapabilities)
            words.AddRange(["--cap-drop", "ALL"]);
        if (options.Privileged)
            words.Add("--privileged");
        if (options.Memory is { } memory)
            words.AddRange(["--memory", memory]);
        if (options.Volume is { } volume)
            words.AddRange(["-v", $"{volume.Source}:{volume.Target}{(volume.ReadOnly ? ":ro" : "")}"]);
        return words;
    }

    public static IEnumerable<string> Ctr(CallerOptions options)
    {
        List<string> words = [];
        if (options.Terminal)
            words.Add("--tty");
        if (options.Directory is { } directory)
            words.AddRange(["--cwd", directory]);
        if (options.Variable is { } variable)
            words.AddRange(["--env", variable]);
        if (options.ReadOnly)
            words.Add("--read-only");
        if (options.NoCapabilities)
            words.AddRange(Runtime.Defaults.DefaultSpec.AllCapabilityNames.SelectMany(static name => (string[])["--cap-drop", name]));
        if (options.Privileged)
            words.Add("--privileged");
        if (options.Memory is not null)
            words.AddRange(["--memory-limit", (32 << 20).ToString()]);
        if (options.Volume is { } volume)
            words.AddRange(["--mount", $"type=bind,src={volume.Source},dst={volume.Target},options=rbind:{(volume.ReadOnly ? "ro" : "rw")}"]);
        return words;
    }

    public static IEnumerable<string> Buildah(CallerOptions options)
    {
        List<string> words = [];
        if (options.Terminal)
            words.Add("--tty");
        if (options.User is { } user)
            words.AddRange(["--user", user]);
        if (options.Directory is { } directory)
            words.AddRange(["--workingdir", directory]);
        if (options.Variable is { } variable)
            words.AddRange(["--env", variable]);
        if (options.NoCapabilities)
            words.AddRange(["--cap-drop", "CAP_CHOWN", "--cap-drop", "CAP_DAC_OVERRIDE"]);
        if (options.Volume is { } volume)
            words.AddRange(["-v", $"{volume.Source}:{volume.Target}{(volume.ReadOnly ? ":ro" : "")}"]);
        return words;
    }
}
