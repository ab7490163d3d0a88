using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Berth.Registry.Pages.Html;

/// <summary>A piece of HTML that is safe to send: its literal parts were written in this program, everything else was escaped.</summary>
/// <remarks>
/// Made by <c>Markup.Of($"&lt;p&gt;{name}&lt;/p&gt;")</c>: what stands in a hole is escaped for text and for quoted attributes,
/// unless it is
/// <see cref="Markup"/> itself. There is no conversion from <see cref="string"/>; <see cref="Trusted"/> is for what a sanitiser made.
/// Holes stand in text or inside double quotes, never in tag names, unquoted attributes, scripts or styles; addresses come from
/// <see cref="Links"/> or from <see cref="Readmes.AddressRules"/>.
/// </remarks>
public readonly struct Markup : IEquatable<Markup>
{
    // Every script's letters as they are; the characters that mean something in HTML never.
    internal static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly string? _text;

    private Markup(string text) => _text = text;

    /// <summary>Nothing.</summary>
    public static Markup Empty => default;

    /// <summary>True when there is nothing to send.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_text);

    /// <summary>HTML from a literal with holes; the holes are escaped.</summary>
    public static Markup Of(MarkupHandler html) => new(html.Finish());

    /// <summary>A stranger's text, escaped.</summary>
    public static Markup Text(string? text) => new(text is null ? "" : Encoder.Encode(text));

    /// <summary>HTML that a sanitiser of this program made. Never text of a stranger.</summary>
    internal static Markup Trusted(string html) => new(html);

    /// <summary>Many pieces, one after the other.</summary>
    public static Markup Join(IEnumerable<Markup> pieces) => new(string.Concat(pieces.Select(piece => piece._text)));

    /// <summary>The piece when the condition holds, otherwise nothing.</summary>
    public static Markup When(bool condition, MarkupHandler html)
    {
        string text = html.Finish();
        return condition ? new Markup(text) : Empty;
    }

    /// <inheritdoc/>
    public bool Equals(Markup other) => ToString() == other.ToString();

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Markup other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>The HTML.</summary>
    public override string ToString() => _text ?? "";

    /// <summary>True when both send the same.</summary>
    public static bool operator ==(Markup left, Markup right) => left.Equals(right);

    /// <summary>True when they send different things.</summary>
    public static bool operator !=(Markup left, Markup right) => !left.Equals(right);
}
