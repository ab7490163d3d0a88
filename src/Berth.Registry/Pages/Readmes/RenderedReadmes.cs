using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Readmes;

/// <summary>READMEs that were shown lately, by what they say: whoever looks again costs no parsing.</summary>
/// <remarks>HTML of a README depends on its text alone, so nothing here is ever out of date.</remarks>
internal sealed class RenderedReadmes
{
    /// <summary>Characters of HTML that are kept at most, of all READMEs together.</summary>
    public const long CharactersMax = 16 * 1024 * 1024;

    private readonly ConcurrentDictionary<string, Markup> _rendered = new(StringComparer.Ordinal);
    private long _characters;

    /// <summary>How many are kept.</summary>
    public int Count => _rendered.Count;

    /// <summary>The README as <see cref="Readme.Render"/> makes it.</summary>
    public Markup Of(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Markup.Empty;
        string key = Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan())));
        if (_rendered.TryGetValue(key, out Markup known))
            return known;
        Markup fresh = Readme.Render(text);
        int length = fresh.ToString().Length;
        if (Interlocked.Add(ref _characters, length) > CharactersMax)
        {
            // What is looked at often is back soon.
            _rendered.Clear();
            Interlocked.Exchange(ref _characters, length);
        }
        _rendered[key] = fresh;
        return fresh;
    }
}
