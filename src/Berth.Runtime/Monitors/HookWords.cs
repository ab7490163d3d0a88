using System.Text;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Runtime.Monitors;

/// <summary>One output of a hook: a pipe of which all is read and the beginning kept.</summary>
internal sealed class HookWords : IDisposable
{
    private const int WordsMax = 2048;
    private readonly FileDescriptor _end;
    private readonly FileDescriptor _reading;
    private readonly MemoryStream _said = new();

    /// <summary>Makes one.</summary>
    /// <exception cref="LinuxException">EMFILE.</exception>
    public HookWords()
    {
        (_end, Writer) = Pipes.Create();
        // Opened once more, so that of the hook's own end nothing changes.
        _reading = FileCalls.Open(FileCalls.WorkingDirectory, Encoding.UTF8.GetBytes($"/proc/self/fd/{_end.Number}\0"),
            FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);
    }

    /// <summary>What the hook writes to.</summary>
    public FileDescriptor Writer { get; }

    /// <summary>Takes all that is there now.</summary>
    public void Listen()
    {
        Span<byte> piece = stackalloc byte[4096];
        try
        {
            while (FileCalls.Read(_reading, piece) is > 0 and var count)
                _said.Write(piece[..(int)Math.Min(count, WordsMax - _said.Length)]);
        }
        catch (LinuxException nothing) when (nothing.Error == Errno.EAGAIN)
        {
            // It may say more.
        }
    }

    /// <summary>The beginning of what was said.</summary>
    public string Text()
    {
        Listen();
        return Encoding.UTF8.GetString(_said.ToArray()).Trim();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reading.Dispose();
        _end.Dispose();
        Writer.Dispose();
    }
}
