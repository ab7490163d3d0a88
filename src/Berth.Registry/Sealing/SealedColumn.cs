using System.Buffers.Text;
using System.Data.Common;
using System.Globalization;
using System.Text;
using Berth.Registry.Database;

namespace Berth.Registry.Sealing;

/// <summary>A column whose values are sealed: what must be read back and must not be read by whoever reads the database.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Id">The column that names a row.</param>
/// <param name="Column">The column.</param>
/// <param name="IsText">Whether it holds text; otherwise bytes.</param>
internal sealed record SealedColumn(string Table, string Id, string Column, bool IsText)
{
    // Colons are in no base64, and in no value that was stored plainly.
    private const string Mark = "sealed:";

    /// <summary>Private keys of bearer tokens.</summary>
    public static readonly SealedColumn SigningKeys = new("signing_keys", "id", "private_key", IsText: false);

    /// <summary>What deliveries of webhooks are signed with.</summary>
    public static readonly SealedColumn Webhooks = new("webhooks", "id", "secret", IsText: true);

    /// <summary>What proves to the OpenID provider that a sign-in ends where it began.</summary>
    public static readonly SealedColumn SignIns = new("sign_ins", "state", "verifier", IsText: true);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SealedColumn> All { get; } = [SigningKeys, Webhooks, SignIns];

    /// <summary>The place that a value of a row is bound to.</summary>
    public string PlaceOf(string row) => $"{Table}.{Column}:{row}";

    /// <summary>A row's name, as it is read from the database.</summary>
    public static string RowOf(object id) => Convert.ToString(id, CultureInfo.InvariantCulture)!;

    /// <summary>The bytes of a plain value.</summary>
    public static byte[] PlainOf(object value) => value is string text ? Encoding.UTF8.GetBytes(text) : (byte[])value;

    /// <summary>The bytes of a sealed value as it is stored; empty for what was never sealed.</summary>
    public byte[] BytesOf(object stored)
    {
        if (!IsText)
            return (byte[])stored;
        string text = (string)stored;
        return text.StartsWith(Mark, StringComparison.Ordinal) && Base64.IsValid(text.AsSpan(Mark.Length))
            ? Convert.FromBase64String(text[Mark.Length..]) : [];
    }

    /// <summary>What to store for a sealed value: for columns of text.</summary>
    public static string TextOf(byte[] value) => Mark + Convert.ToBase64String(value);

    /// <summary>Every row's name and value.</summary>
    public Task<List<(object Id, object Value)>> ListAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"select {(SqlText)Id}, {(SqlText)Column} from {(SqlText)Table}", Read, cancellationToken);

    /// <summary>Stores a sealed value in a row.</summary>
    public Task WriteAsync(HubTransaction transaction, object id, byte[] value, CancellationToken cancellationToken)
    {
        SqlText stored = IsText ? Parameter(TextOf(value)) : Parameter(value);
        SqlText row = id is long number ? Parameter(number) : Parameter((string)id);
        return transaction.ExecuteAsync(
            $"update {(SqlText)Table} set {(SqlText)Column} = {stored} where {(SqlText)Id} = {row}", cancellationToken);
    }

    private static (object, object) Read(DbDataReader row) => (row.GetValue(0), row.GetValue(1));

    private static SqlText Parameter(string value) => $"{value}";

    private static SqlText Parameter(long value) => $"{value}";

    private static SqlText Parameter(byte[] value) => $"{value}";
}
