using System.Text;

namespace Berth.Unified.Tests;

/// <summary>Writes the tree that a kernel starts with: cpio in its "newc" form (Documentation/driver-api/early-userspace).</summary>
internal sealed class InitialTree(Stream output)
{
    private readonly HashSet<string> _directories = [];
    private uint _inode;

    /// <summary>A program or file of the host.</summary>
    public void AddFile(string path, byte[] content, bool isExecutable = true)
    {
        AddParents(path);
        Write(path, 0x8000 | (isExecutable ? 0x1EDu : 0x1A4u), content);
    }

    /// <summary>A symbolic link.</summary>
    public void AddLink(string path, string target)
    {
        AddParents(path);
        Write(path, 0xA1FF, Encoding.UTF8.GetBytes(target));
    }

    /// <summary>An empty directory.</summary>
    public void AddDirectory(string path)
    {
        AddParents(path);
        if (_directories.Add(path))
            Write(path, 0x41ED, []);
    }

    /// <summary>The end mark.</summary>
    public void Finish() => Write("TRAILER!!!", 0, []);

    private void AddParents(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } parent)
            AddDirectory(parent);
    }

    private void Write(string path, uint mode, byte[] content)
    {
        uint[] fields = [++_inode, mode, 0, 0, 1, 0, (uint)content.Length, 0, 0, 0, 0, (uint)path.Length + 1, 0];
        byte[] head = Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(static field => field.ToString("X8"))) + path + "\0");
        output.Write(head);
        Pad(head.Length);
        output.Write(content);
        Pad(content.Length);
    }

    private void Pad(int length) => output.Write(new byte[(4 - length % 4) % 4]);
}
