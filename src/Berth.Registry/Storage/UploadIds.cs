using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Berth.Registry.Storage;

/// <summary>The IDs by which storages keep what is written: unique for ever, and told apart from names that are not a hub's.</summary>
internal static partial class UploadIds
{
    /// <summary>An upload's, of which the database has a row while it lasts.</summary>
    public static string Next() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>One of an import's blob: no row says that it is being written.</summary>
    public static string NextOfImport() => "import-" + Next();

    /// <summary>One of a restored blob: no row says that it is being written.</summary>
    public static string NextOfRestore() => "restore-" + Next();

    /// <summary>Whether the database had a row of it from before its first byte.</summary>
    public static bool HasRow(string id) => !id.Contains('-', StringComparison.Ordinal);

    /// <summary>Whether a hub gave this ID.</summary>
    public static bool IsOne(ReadOnlySpan<char> text) => Form().IsMatch(text);

    [GeneratedRegex(@"\A((import|restore)-)?[0-9a-f]{32}\z")]
    private static partial Regex Form();
}
