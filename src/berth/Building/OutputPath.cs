using Berth.Cli.Parsing;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Cli.Building;

/// <summary>What is already there where a user wants something written.</summary>
internal static class OutputPath
{
    /// <summary>True for a device, a pipe or a socket: to be written into or left alone, never replaced. Links are followed.</summary>
    public static bool IsSpecial(string path)
    {
        int error = FileCalls.TryOpen(
            FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_PATH, 0, 0, out FileDescriptor file);
        using (file)
            return error == 0 && FileCalls.Status(file) is { IsRegular: false, IsDirectory: false };
    }

    /// <summary>Refuses to put a copy in the place of a device.</summary>
    /// <exception cref="CommandException">It is one, with Docker's text.</exception>
    public static void CheckCopy(string path)
    {
        if (IsSpecial(path))
            throw new CommandException($"invalid output path: \"{path}\" must be a directory or a regular file: got a device");
    }
}
