using System.Buffers;
using System.Data.Common;
using System.Text.Json;
using Berth.Registry.Database;

namespace Berth.Registry.Operation.Backup;

/// <summary>Writes all rows as lines of JSON, each <c>["table", column, …]</c>; bytes are <c>{"b64":"…"}</c>. The same for both
/// databases, so a
/// backup of one goes back into the other.</summary>
internal sealed class SnapshotWriter(Stream output)
{
    private const int FlushBytes = 256 * 1024;
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushBytes + 64 * 1024);

    /// <summary>Writes the head and every table as this transaction sees them.</summary>
    public async Task WriteAsync(HubTransaction transaction, DateTimeOffset now, CancellationToken cancellationToken)
    {
        output.SetLength(0);
        _buffer.ResetWrittenCount();
        Line(json =>
        {
            json.WriteStartObject();
            json.WriteString("format", BackupFormat.Name);
            json.WriteNumber("version", BackupFormat.Version);
            json.WriteString("made", now);
            json.WriteEndObject();
        });
        foreach (string table in BackupTables.All)
            await TableAsync(transaction, table, cancellationToken);
        Line(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("complete", true);
            json.WriteEndObject();
        });
        Flush();
        await output.FlushAsync(cancellationToken);
    }

    private async Task TableAsync(HubTransaction transaction, string table, CancellationToken cancellationToken)
    {
        bool isFirst = true;
        // In the order of their first column: rows that refer to others of their table come after them.
        await transaction.ListAsync(
            (SqlText)("select * from " + table + " order by 1"),
            row =>
            {
                if (isFirst)
                    Line(json => Head(json, table, row));
                isFirst = false;
                Line(json => Row(json, table, row));
                return 0;
            }, cancellationToken);
    }

    private static void Head(Utf8JsonWriter json, string table, DbDataReader row)
    {
        json.WriteStartObject();
        json.WriteString("table", table);
        json.WriteStartArray("columns");
        for (int i = 0; i < row.FieldCount; i++)
            json.WriteStringValue(row.GetName(i));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Row(Utf8JsonWriter json, string table, DbDataReader row)
    {
        json.WriteStartArray();
        json.WriteStringValue(table);
        for (int i = 0; i < row.FieldCount; i++)
        {
            switch (row.GetValue(i))
            {
                case DBNull:
                    json.WriteNullValue();
                    break;
                case string text:
                    json.WriteStringValue(text);
                    break;
                case long number:
                    json.WriteNumberValue(number);
                    break;
                case int number:
                    json.WriteNumberValue(number);
                    break;
                case byte[] bytes:
                    json.WriteStartObject();
                    json.WriteBase64String("b64", bytes);
                    json.WriteEndObject();
                    break;
                case var other:
                    throw FaultException.Internal($"back up {table}.{row.GetName(i)}: a column of {other.GetType().Name}");
            }
        }
        json.WriteEndArray();
    }

    private void Line(Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(_buffer))
            write(json);
        _buffer.Write("\n"u8);
        if (_buffer.WrittenCount >= FlushBytes)
            Flush();
    }

    private void Flush()
    {
        output.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
