using System.Text.Json;
using Berth.Registry.Database;
using Berth.Registry.Sealing;

namespace Berth.Registry.Operation.Backup;

/// <summary>What a backup's secrets were sealed with, and what is to be done about those that cannot be opened.</summary>
public sealed record RestoreKeys
{
    /// <summary>A file with the key of the hub that was backed up; null: it is the one of the hub that is restored into.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Whether to go on without the secrets that no key opens.</summary>
    public bool MayLose { get; init; }
}

/// <summary>A webhook that was left out, because its secret could not be opened.</summary>
/// <param name="Id">Its number in the backup.</param>
/// <param name="Repository">What it was told of.</param>
/// <param name="Url">Who was told.</param>
/// <param name="Events">Of which events.</param>
public sealed record LostWebhook(long Id, string Repository, string Url, string Events);

/// <summary>What a restore did.</summary>
/// <param name="Blobs">Blobs that came back.</param>
/// <param name="SigningKeysLost">Signing keys that did not; others are made.</param>
/// <param name="WebhooksLost">Webhooks that did not.</param>
public sealed record RestoreReport(long Blobs, int SigningKeysLost, IReadOnlyList<LostWebhook> WebhooksLost);

/// <summary>Turns a backup's sealed values into those of the hub that gets them.</summary>
internal sealed class RestoredSecrets
{
    private readonly SealedSecrets _own;
    private readonly Dictionary<string, SealingKey> _keys;
    private readonly RestoreKeys _wanted;
    private readonly HashSet<long> _lost = [];
    private readonly List<LostWebhook> _webhooks = [];

    /// <exception cref="FaultException">NotFound: the file with the key is not there. InvalidArgument: it is damaged.</exception>
    public RestoredSecrets(SealedSecrets own, RestoreKeys wanted)
    {
        (_own, _wanted) = (own, wanted);
        IReadOnlyList<SealingKey> keys = wanted.KeyFile is not { } path ? []
            : new SealingKeyFile(path).Read() ?? throw FaultException.NotFound($"restore: {path}: there is no such file");
        _keys = keys.ToDictionary(key => key.Id, StringComparer.Ordinal);
    }

    /// <summary>Whether the backup's values are not sealed, because it is of an older hub.</summary>
    public bool IsPlain { get; set; }

    /// <summary>What was left out.</summary>
    public IReadOnlyList<LostWebhook> WebhooksLost => _webhooks;

    /// <summary>How many signing keys were left out.</summary>
    public int SigningKeysLost { get; private set; }

    /// <summary>Forgets what was left out: the rows are put back once more.</summary>
    public void BeginAgain()
    {
        _lost.Clear();
        _webhooks.Clear();
        SigningKeysLost = 0;
    }

    /// <summary>Refuses a row that could not be restored, before anything is.</summary>
    /// <exception cref="FaultException">Conflict: its key is not here. InvalidArgument: it is damaged.</exception>
    public void Check(string table, string[] columns, JsonElement row)
    {
        if (ColumnOf(table) is not { } column || IsPlain)
            return;
        byte[] value = ValueOf(column, columns, row);
        if (SealingKey.IdOf(value) is not { } id)
            throw FaultException.Invalid($"restore: {table} {RowOf(column, columns, row)}: its {column.Column} is damaged");
        if (Find(id) is null)
        {
            if (!_wanted.MayLose)
                throw FaultException.Conflict(
                    $"restore: the backup's secrets are encrypted with key {id}, which is not in {_wanted.KeyFile ?? _own.KeyFile}: name "
                    + "the file with that key (--key FILE), or go on without webhooks, whose secrets are lost then (--without-key)");
        }
        else if (Open(column, columns, row) is null && !_wanted.MayLose)
            throw FaultException.Invalid(
                $"restore: {table} {RowOf(column, columns, row)}: its {column.Column} was changed since the backup; "
                + "--without-key leaves it out");
    }

    /// <summary>Whether a row is left out: its own secret cannot be opened, or that of the webhook it belongs to.</summary>
    public bool IsLost(string table, string[] columns, JsonElement row)
    {
        if (table == "webhook_deliveries")
            return _lost.Contains(Field(columns, row, "webhook_id").GetInt64());
        if (ColumnOf(table) is not { } column || Open(column, columns, row) is not null)
            return false;
        if (column == SealedColumn.SigningKeys)
            SigningKeysLost++;
        if (column == SealedColumn.Webhooks && _lost.Add(Field(columns, row, "id").GetInt64()))
            _webhooks.Add(new LostWebhook(
                Field(columns, row, "id").GetInt64(), Field(columns, row, "repository").GetString()!,
                Field(columns, row, "url").GetString()!, Field(columns, row, "events").GetString()!));
        return true;
    }

    /// <summary>What is stored in a sealed column of a row; null for the other columns.</summary>
    public static SealedColumn? ColumnOf(string table, string column) =>
        ColumnOf(table) is { } found && found.Column == column ? found : null;

    /// <summary>A row's secret, sealed with the key of the hub that it goes to.</summary>
    public async Task<object> SealAsync(
        HubTransaction transaction, SealedColumn column, string[] columns, JsonElement row, CancellationToken cancellationToken)
    {
        byte[] value = await _own.SealAsync(
            transaction, column, RowOf(column, columns, row), Open(column, columns, row), cancellationToken);
        return column.IsText ? SealedColumn.TextOf(value) : value;
    }

    private static SealedColumn? ColumnOf(string table) => SealedColumn.All.FirstOrDefault(column => column.Table == table);

    private byte[]? Open(SealedColumn column, string[] columns, JsonElement row)
    {
        if (IsPlain)
            return SealedColumn.PlainOf(Stored(column, columns, row));
        byte[] value = ValueOf(column, columns, row);
        return SealingKey.IdOf(value) is { } id && Find(id) is { } key
            && key.TryOpen(value, column.PlaceOf(RowOf(column, columns, row)), out byte[]? plain) ? plain : null;
    }

    private SealingKey? Find(string id) => _keys.GetValueOrDefault(id) ?? _own.Find(id);

    private static byte[] ValueOf(SealedColumn column, string[] columns, JsonElement row) => column.BytesOf(Stored(column, columns, row));

    private static object Stored(SealedColumn column, string[] columns, JsonElement row)
    {
        JsonElement value = Field(columns, row, column.Column);
        return (column.IsText, value.ValueKind) switch
        {
            (true, JsonValueKind.String) => value.GetString()!,
            (false, JsonValueKind.Object) => value.GetProperty("b64").GetBytesFromBase64(),
            _ => throw new JsonException($"{column.Column} of {column.Table} is neither text nor bytes"),
        };
    }

    private static string RowOf(SealedColumn column, string[] columns, JsonElement row)
    {
        JsonElement id = Field(columns, row, column.Id);
        return id.ValueKind is JsonValueKind.Number ? SealedColumn.RowOf(id.GetInt64()) : id.GetString()!;
    }

    private static JsonElement Field(string[] columns, JsonElement row, string name)
    {
        int place = Array.IndexOf(columns, name) + 1;
        return place > 0 && place < row.GetArrayLength() ? row[place] : throw new JsonException($"a row has no {name}");
    }
}
