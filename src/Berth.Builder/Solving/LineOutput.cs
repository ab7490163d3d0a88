using System.Text;

namespace Berth.Builder.Solving;

/// <summary>Cuts a command's output into whole lines, so that nothing mixes within a line, and remembers its end for hints.</summary>
internal sealed class LineOutput(Func<StepOutput, CancellationToken, ValueTask> report) : IStepOutput
{
    private const int LineMax = 16 * 1024;
    private const int TailMax = 16 * 1024;
    private readonly (Decoder Decoder, StringBuilder Pending)[] _streams =
        [(Encoding.UTF8.GetDecoder(), new StringBuilder()), (Encoding.UTF8.GetDecoder(), new StringBuilder())];

    private readonly StringBuilder _tail = new();

    /// <summary>The last output, both streams.</summary>
    public string Tail => _tail.ToString();

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool isError, CancellationToken cancellationToken)
    {
        (Decoder decoder, StringBuilder pending) = _streams[isError ? 1 : 0];
        char[] characters = new char[decoder.GetCharCount(bytes.Span, flush: false)];
        int count = decoder.GetChars(bytes.Span, characters, flush: false);
        pending.Append(characters, 0, count);
        Remember(characters.AsSpan(0, count));
        string text = pending.ToString();
        int end = text.AsSpan().LastIndexOfAny('\n', '\r') + 1;
        if (end == 0 && text.Length >= LineMax)
            end = text.Length;
        if (end == 0)
            return;
        pending.Remove(0, end);
        await report(new StepOutput(text[..end], isError), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reports what is left of a last line, with a newline so that the next begins at the margin.</summary>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; i < _streams.Length; i++)
        {
            StringBuilder pending = _streams[i].Pending;
            if (pending.Length == 0)
                continue;
            string text = pending.ToString();
            pending.Clear();
            await report(new StepOutput(text + "\n", i == 1), cancellationToken).ConfigureAwait(false);
        }
    }

    private void Remember(ReadOnlySpan<char> text)
    {
        _tail.Append(text);
        if (_tail.Length > 2 * TailMax)
            _tail.Remove(0, _tail.Length - TailMax);
    }
}
