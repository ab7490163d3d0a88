using System.Diagnostics.CodeAnalysis;

namespace Berth.Registry.Model;

/// <summary>A tag's name.</summary>
/// <remarks>distribution-spec 1.1: <c>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}</c>.</remarks>
public static class TagName
{
    /// <summary>The longest tag.</summary>
    public const int LengthMax = 128;

    /// <summary>True when the text is a tag.</summary>
    public static bool IsValid([NotNullWhen(true)] string? text) =>
        text is { Length: > 0 and <= LengthMax } && text[0] is not ('.' or '-') && !text.AsSpan().ContainsAnyExcept(s_characters);

    private static readonly System.Buffers.SearchValues<char> s_characters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}
