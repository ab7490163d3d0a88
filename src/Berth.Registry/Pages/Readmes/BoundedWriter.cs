using System.Text;

namespace Berth.Registry.Pages.Readmes;

/// <summary>Collects text up to a limit, and refuses the first character beyond it.</summary>
internal sealed class BoundedWriter(int charactersMax) : TextWriter
{
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.Unicode;

    /// <inheritdoc/>
    /// <exception cref="FullException">There is no room for it.</exception>
    public override void Write(char value) => Write([value]);

    /// <inheritdoc/>
    /// <exception cref="FullException">There is no room for it.</exception>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    /// <exception cref="FullException">There is no room for it.</exception>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    /// <exception cref="FullException">There is no room for it.</exception>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (buffer.Length > charactersMax - _text.Length)
            throw new FullException();
        _text.Append(buffer);
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>The text would become longer than the limit.</summary>
    public sealed class FullException : Exception;
}
