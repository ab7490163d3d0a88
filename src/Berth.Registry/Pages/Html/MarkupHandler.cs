using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Berth.Registry.Pages.Html;

/// <summary>Collects an interpolated string as HTML. The compiler calls it; see <see cref="Markup.Of"/>.</summary>
[InterpolatedStringHandler]
public readonly struct MarkupHandler
{
    private const int CharactersPerHole = 24;

    private readonly StringBuilder _text;

    /// <summary>Called by the compiler with what it knows of the string.</summary>
    public MarkupHandler(int literalLength, int formattedCount) =>
        _text = new StringBuilder(literalLength + (formattedCount * CharactersPerHole));

    /// <summary>A literal part: it was written in this program.</summary>
    public void AppendLiteral(string value) => _text.Append(value);

    /// <summary>A stranger's text: escaped.</summary>
    public void AppendFormatted(string? value)
    {
        if (value is not null)
            _text.Append(Markup.Encoder.Encode(value));
    }

    /// <summary>HTML already.</summary>
    public void AppendFormatted(Markup value) => _text.Append(value.ToString());

    /// <summary>Pieces of HTML, one after the other.</summary>
    public void AppendFormatted(IEnumerable<Markup> values)
    {
        foreach (Markup value in values)
            _text.Append(value.ToString());
    }

    /// <summary>A number, without separators.</summary>
    public void AppendFormatted(long value) => _text.Append(CultureInfo.InvariantCulture, $"{value}");

    internal string Finish() => _text.ToString();
}
