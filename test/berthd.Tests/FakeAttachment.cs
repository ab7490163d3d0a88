using System.IO.Pipelines;
using Berth.Engine;
using Berth.Runtime;

namespace Berth.Daemon.Tests;

/// <summary>A process that echoes: what is written to it comes back on standard output, and its output ends when its input ends,
/// after a last line on standard error. With a script it ignores its input and only talks.</summary>
internal sealed class FakeAttachment(bool isTerminal, long talkBytes = 0) : IAttachment
{
    private readonly Pipe _pipe = new(new PipeOptions(useSynchronizationContext: false));
    private long _said;
    private bool _saidGoodbye;

    public bool IsTerminal => isTerminal;

    public bool IsDetached => false;

    public long Received { get; private set; }

    public bool InputClosed { get; private set; }

    public async ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (talkBytes > 0)
        {
            int count = (int)Math.Min(talkBytes - _said, buffer.Length);
            _said += count;
            return (OutputSource.Stdout, count);
        }
        ReadResult read = await _pipe.Reader.ReadAsync(cancellationToken);
        if (read.Buffer.IsEmpty)
            return Goodbye(buffer);
        int taken = (int)Math.Min(read.Buffer.Length, buffer.Length);
        System.Buffers.BuffersExtensions.CopyTo(read.Buffer.Slice(0, taken), buffer.Span);
        _pipe.Reader.AdvanceTo(read.Buffer.GetPosition(taken));
        return (OutputSource.Stdout, taken);
    }

    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Received += bytes.Length;
        await _pipe.Writer.WriteAsync(bytes, cancellationToken);
        return true;
    }

    public ValueTask CloseInputAsync()
    {
        InputClosed = true;
        return _pipe.Writer.CompleteAsync();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private (OutputSource Source, int Count) Goodbye(Memory<byte> buffer)
    {
        if (_saidGoodbye)
            return (OutputSource.Stdout, 0);
        _saidGoodbye = true;
        "bye\n"u8.CopyTo(buffer.Span);
        return (OutputSource.Stderr, 4);
    }
}
