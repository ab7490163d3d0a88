namespace Berth.Registry.Model;

/// <summary>The name of a repository: lower-case path components by the grammar of the distribution specification.</summary>
/// <remarks>
/// distribution-spec 1.1 "Pulling manifests": <c>[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*</c>, here at
/// most
/// 255 bytes. The first of two or more components is the namespace: a user's or an organisation's name.
/// </remarks>
public readonly record struct RepositoryName
{
    /// <summary>The longest name, which leaves room for a host in clients that limit both together.</summary>
    public const int LengthMax = 255;

    private readonly string? _value;

    private RepositoryName(string value) => _value = value;

    /// <summary>The whole name; empty for <c>default</c>.</summary>
    public string Value => _value ?? "";

    /// <summary>The first component of a name that has several; empty for a name of one.</summary>
    public string Namespace => Value.IndexOf('/') is > 0 and int slash ? Value[..slash] : "";

    /// <summary>Reads a name; false when the text is not one.</summary>
    public static bool TryParse(string? text, out RepositoryName name) => TryParse(text.AsSpan(), text, out name);

    /// <summary>Reads a name; false when the text is not one.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out RepositoryName name) => TryParse(text, null, out name);

    /// <summary>Reads a name, or throws.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a name.</exception>
    public static RepositoryName Parse(string text) => TryParse(text, out RepositoryName name)
        ? name
        : throw FaultException.Invalid("invalid repository name: lower-case letters, digits, '.', '_', '-' and '/' between them");

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static bool TryParse(ReadOnlySpan<char> text, string? whole, out RepositoryName name)
    {
        name = default;
        if (text.Length is 0 or > LengthMax)
            return false;
        foreach (Range component in text.Split('/'))
        {
            if (!IsComponent(text[component]))
                return false;
        }
        name = new RepositoryName(whole ?? text.ToString());
        return true;
    }

    private static bool IsComponent(ReadOnlySpan<char> component)
    {
        if (component.IsEmpty || !char.IsAsciiLetterLower(component[0]) && !char.IsAsciiDigit(component[0]))
            return false;
        for (int i = 1; i < component.Length;)
        {
            int separator = SeparatorLength(component[i..]);
            if (separator < 0 || i + separator >= component.Length)
                return false;
            i += separator;
            if (!char.IsAsciiLetterLower(component[i]) && !char.IsAsciiDigit(component[i]))
                return false;
            i++;
        }
        return true;
    }

    // Zero where the next character is a letter or digit, -1 where it can be neither it nor a separator.
    private static int SeparatorLength(ReadOnlySpan<char> rest) => rest[0] switch
    {
        '.' => 1,
        '_' => rest.Length > 1 && rest[1] == '_' ? 2 : 1,
        '-' => rest.IndexOfAnyExcept('-') is >= 0 and int length ? length : -1,
        _ => 0,
    };
}
