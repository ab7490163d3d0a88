using System.Formats.Tar;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A root file system of Debian's static busybox.</summary>
internal static class Busybox
{
    private static readonly string[] s_applets =
        ["sh", "cat", "echo", "true", "sleep", "usleep", "env", "id", "seq", "md5sum", "sha256sum", "dd", "head", "mkdir", "touch", "yes"];

    private static readonly Lazy<byte[]> s_tar = new(Make);

    /// <summary>As a tar.</summary>
    public static byte[] Tar => s_tar.Value;

    private static byte[] Make()
    {
        MemoryStream stream = new();
        using (TarWriter writer = new(stream, leaveOpen: true))
        {
            foreach (string directory in new[] { "bin", "tmp", "data" })
                writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory) { Mode = (UnixFileMode)0x1ED });
            using FileStream program = File.OpenRead("/bin/busybox");
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox")
            {
                Mode = (UnixFileMode)0x1ED, DataStream = program,
            });
            foreach (string applet in s_applets)
                writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "data/seed") { DataStream = new MemoryStream("seed"u8.ToArray()) });
        }
        return stream.ToArray();
    }
}
