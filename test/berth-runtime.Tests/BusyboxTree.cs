namespace Berth.RuntimeProgram.Tests;

/// <summary>A root with Debian's static busybox.</summary>
internal static class BusyboxTree
{
    private static readonly string[] s_applets =
    [
        "sh", "cat", "echo", "true", "sleep", "env", "id", "tty", "ls", "ps", "grep", "wc", "head", "dd", "mkdir", "touch", "readlink",
        "hostname", "pwd", "chown", "kill", "seq", "stat", "sort", "awk", "mount", "chmod", "test", "cut", "date", "mknod", "uname", "nice",
    ];

    public static async Task<string> MakeAsync(string directory)
    {
        foreach (string name in new[] { "bin", "etc", "tmp", "proc", "sys", "dev", "root" })
            Directory.CreateDirectory(Path.Join(directory, name));
        // By another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        await Command.NeedAsync("cp", ["/bin/busybox", Path.Join(directory, "bin/busybox")]);
        foreach (string applet in s_applets)
            File.CreateSymbolicLink(Path.Join(directory, "bin", applet), "busybox");
        await File.WriteAllTextAsync(Path.Join(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n");
        await File.WriteAllTextAsync(Path.Join(directory, "etc/group"), "root:x:0:\napp:x:1000:\n");
        await File.WriteAllTextAsync(Path.Join(directory, "etc/plain"), "not a program\n");
        File.SetUnixFileMode(Path.Join(directory, "tmp"), (UnixFileMode)0x3FF);
        return directory;
    }
}
