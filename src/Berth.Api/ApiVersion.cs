namespace Berth.Api;

/// <summary>A version of the Engine API, such as 1.50. They are ordered: 1.9 is before 1.41.</summary>
public readonly record struct ApiVersion(int Major, int Minor) : IComparable<ApiVersion>
{
    /// <summary>The newest version this code speaks.</summary>
    public static ApiVersion Newest { get; } = new(1, 50);

    /// <summary>The oldest version this code speaks.</summary>
    public static ApiVersion Oldest { get; } = new(1, 24);

    /// <summary>Reads <c>1.50</c>; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ApiVersion version)
    {
        version = default;
        int dot = text.IndexOf('.');
        if (dot is < 1 or > DigitsMax || text.Length - dot - 1 is < 1 or > DigitsMax
            || !int.TryParse(text[..dot], System.Globalization.NumberStyles.None, null, out int major)
            || !int.TryParse(text[(dot + 1)..], System.Globalization.NumberStyles.None, null, out int minor))
            return false;
        version = new ApiVersion(major, minor);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ApiVersion other) =>
        Major != other.Major ? Major.CompareTo(other.Major) : Minor.CompareTo(other.Minor);

    /// <summary>True when the left is the older one.</summary>
    public static bool operator <(ApiVersion left, ApiVersion right) => left.CompareTo(right) < 0;

    /// <summary>True when the left is the newer one.</summary>
    public static bool operator >(ApiVersion left, ApiVersion right) => left.CompareTo(right) > 0;

    /// <summary>True when the left is not the newer one.</summary>
    public static bool operator <=(ApiVersion left, ApiVersion right) => left.CompareTo(right) <= 0;

    /// <summary>True when the left is not the older one.</summary>
    public static bool operator >=(ApiVersion left, ApiVersion right) => left.CompareTo(right) >= 0;

    /// <summary>As in a path, without the <c>v</c>.</summary>
    public override string ToString() => $"{Major}.{Minor}";

    private const int DigitsMax = 4;
}
