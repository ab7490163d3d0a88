using System.Security.Cryptography;
using System.Text;
using Berth.Cli.Parsing;
using Berth.Dockerfile.Ignore;

namespace Berth.Cli.Building;

/// <summary>What a build sees: a directory, an archive or Dockerfile on standard input, or an address that the engine fetches.</summary>
internal sealed class BuildContext
{
    private Func<Stream, CancellationToken, Task> _write = static (_, _) => Task.CompletedTask;

    /// <summary>The Dockerfile's path in the archive.</summary>
    public string DockerfileName { get; private init; } = "Dockerfile";

    /// <summary>The address that the engine fetches; empty if the context is sent.</summary>
    public string Remote { get; private init; } = "";

    public Task WriteAsync(Stream output, CancellationToken cancellationToken) => _write(output, cancellationToken);

    /// <exception cref="CommandException">No such directory or Dockerfile, or they contradict.</exception>
    public static async Task<BuildContext> OpenAsync(Session session, string path, string dockerfile, CancellationToken cancellationToken)
    {
        if (path == "-")
            return await FromInputAsync(session, dockerfile, cancellationToken);
        if (IsRemote(path))
            return new BuildContext { Remote = path, DockerfileName = dockerfile.Length > 0 ? dockerfile : "Dockerfile" };
        string root = Path.GetFullPath(path);
        if (!Directory.Exists(root))
        {
            throw new CommandException(File.Exists(root)
                ? $"unable to prepare context: context must be a directory: {path}"
                : $"unable to prepare context: path \"{path}\" not found");
        }
        return await FromDirectoryAsync(session, root, dockerfile, cancellationToken);
    }

    private static bool IsRemote(string path) => path.StartsWith("http://", StringComparison.Ordinal)
        || path.StartsWith("https://", StringComparison.Ordinal) || path.StartsWith("git://", StringComparison.Ordinal)
        || path.StartsWith("git@", StringComparison.Ordinal) || path.StartsWith("github.com/", StringComparison.Ordinal);

    // An archive is passed on; anything else is a Dockerfile without files around it.
    private static async Task<BuildContext> FromInputAsync(Session session, string dockerfile, CancellationToken cancellationToken)
    {
        if (dockerfile == "-")
            throw new CommandException("invalid argument: can't use stdin for both build context and dockerfile");
        Stream input = session.Console.Input;
        byte[] head = new byte[512];
        int count = await input.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        if (IsArchive(head.AsSpan(0, count)))
        {
            return new BuildContext
            {
                DockerfileName = dockerfile.Length > 0 ? dockerfile : "Dockerfile",
                _write = async (output, token) =>
                {
                    await output.WriteAsync(head.AsMemory(0, count), token);
                    await input.CopyToAsync(output, token);
                },
            };
        }
        using MemoryStream text = new();
        text.Write(head, 0, count);
        await input.CopyToAsync(text, cancellationToken);
        byte[] bytes = text.ToArray();
        return new BuildContext
        {
            _write = async (output, token) =>
            {
                ArchiveWriter writer = new(output);
                await AddAsync(writer, "Dockerfile", bytes, token);
                await writer.FinishAsync(token);
            },
        };
    }

    private static async Task<BuildContext> FromDirectoryAsync(
        Session session, string root, string dockerfile, CancellationToken cancellationToken)
    {
        byte[]? outside = null;
        string name = "Dockerfile";
        if (dockerfile == "-")
        {
            using MemoryStream text = new();
            await session.Console.Input.CopyToAsync(text, cancellationToken);
            outside = text.ToArray();
        }
        else
        {
            string file = dockerfile.Length > 0 ? Path.GetFullPath(dockerfile) : Path.Combine(root, "Dockerfile");
            if (dockerfile.Length == 0 && !File.Exists(file) && File.Exists(Path.Combine(root, "dockerfile")))
                file = Path.Combine(root, "dockerfile");
            if (!File.Exists(file))
            {
                throw new CommandException(
                    $"unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat {file}: no such file or directory");
            }
            name = Path.GetRelativePath(root, file);
            if (name == ".." || name.StartsWith("../", StringComparison.Ordinal))
                outside = await File.ReadAllBytesAsync(file, cancellationToken);
        }
        if (outside is not null)
            name = ".dockerfile." + Convert.ToHexStringLower(SHA256.HashData(outside))[..20];
        IgnoreFile ignore = await IgnoreAsync(root, name, outside is null ? null : dockerfile, cancellationToken);
        return new BuildContext
        {
            DockerfileName = name,
            _write = async (output, token) =>
            {
                ArchiveWriter writer = new(output);
                await TreeArchive.WriteAsync(
                    writer, root, "", keepOwner: false, (path, isDirectory) => Choose(ignore, path, isDirectory, name), token);
                if (outside is not null)
                    await AddAsync(writer, name, outside, token);
                await writer.FinishAsync(token);
            },
        };
    }

    // The Dockerfile and the ignore file itself are always sent: the engine needs them, and leaves them out of COPY by the same file.
    private static Choice Choose(IgnoreFile ignore, string path, bool isDirectory, string dockerfile)
    {
        if (path == dockerfile || path == ".dockerignore" || (isDirectory && dockerfile.StartsWith(path + "/", StringComparison.Ordinal)))
            return Choice.Take;
        if (!ignore.IsIgnored(path))
            return Choice.Take;
        return isDirectory && !ignore.CanSkip(path) ? Choice.Pass : Choice.Skip;
    }

    // A Dockerfile's own ignore file goes before the context's.
    private static async Task<IgnoreFile> IgnoreAsync(string root, string name, string? outsidePath, CancellationToken cancellationToken)
    {
        string own = outsidePath is null ? Path.Combine(root, name) : outsidePath is "-" ? "" : Path.GetFullPath(outsidePath);
        foreach (string file in (string[])[own + ".dockerignore", Path.Combine(root, ".dockerignore")])
        {
            if (file.Length > 13 && File.Exists(file))
                return IgnoreFile.Parse(await File.ReadAllTextAsync(file, cancellationToken));
        }
        return IgnoreFile.Empty;
    }

    private static Task AddAsync(ArchiveWriter writer, string name, byte[] bytes, CancellationToken cancellationToken) =>
        writer.WriteAsync(
            new ArchiveEntry(name, ArchiveEntry.File, 0x1A4, DateTimeOffset.UnixEpoch) { Size = bytes.Length },
            bytes, cancellationToken);

    private static bool IsArchive(ReadOnlySpan<byte> head) => head.StartsWith("\x1f\x8b"u8[..1]) && head.Length > 1 && head[1] == 0x8b
        || head.StartsWith("BZh"u8) || head.StartsWith((ReadOnlySpan<byte>)[0xFD, 0x37, 0x7A, 0x58, 0x5A])
        || head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])
        || (head.Length >= 262 && head[257..262].SequenceEqual("ustar"u8));
}
