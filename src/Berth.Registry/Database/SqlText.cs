using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Oci;
using Berth.Registry.Model;

namespace Berth.Registry.Database;

/// <summary>
/// An SQL statement whose interpolated values become parameters, never text: <c>$"select 1 from tags where name = {name}"</c>.
/// </summary>
/// <remarks>
/// A list becomes <c>(@p0, @p1, …)</c>; another <see cref="SqlText"/> becomes part of the statement with its own parameters.
/// </remarks>
[InterpolatedStringHandler]
public sealed partial class SqlText
{
    private readonly StringBuilder _text;
    private readonly List<(DbType Type, object? Value)> _values;

    /// <summary>Called by the compiler.</summary>
    public SqlText(int literalLength, int formattedCount) =>
        (_text, _values) = (new StringBuilder(literalLength + formattedCount * 4), new List<(DbType, object?)>(formattedCount));

    /// <summary>A statement without parameters. Explicit, because a choice between two interpolated strings is a string: its values would
    /// be text of the statement.</summary>
    public static explicit operator SqlText(string text)
    {
        var sql = new SqlText(text.Length, 0);
        sql.AppendLiteral(text);
        return sql;
    }

    /// <summary>The statement with named parameters.</summary>
    public string Text => _text.ToString();

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string text) => _text.Append(text);

    /// <summary>A number.</summary>
    public void AppendFormatted(long value) => Add(DbType.Int64, value);

    /// <summary>A number or null.</summary>
    public void AppendFormatted(long? value) => Add(DbType.Int64, value);

    /// <summary>A truth as 0 or 1.</summary>
    public void AppendFormatted(bool value) => Add(DbType.Int64, value ? 1L : 0L);

    /// <summary>A text or null.</summary>
    public void AppendFormatted(string? value) => Add(DbType.String, value);

    /// <summary>Bytes or null.</summary>
    public void AppendFormatted(byte[]? value) => Add(DbType.Binary, value);

    /// <summary>A digest as text; null for the empty one.</summary>
    public void AppendFormatted(Digest value) => Add(DbType.String, value.IsEmpty ? null : value.ToString());

    /// <summary>A repository's name as text.</summary>
    public void AppendFormatted(RepositoryName value) => Add(DbType.String, value.Value);

    /// <summary>Texts for <c>in</c>; an empty list matches nothing.</summary>
    public void AppendFormatted(IEnumerable<string> values) => AddList(values, DbType.String);

    /// <summary>Numbers for <c>in</c>; an empty list matches nothing.</summary>
    public void AppendFormatted(IEnumerable<long> values) => AddList(values, DbType.Int64);

    /// <summary>A part made elsewhere.</summary>
    public void AppendFormatted(SqlText part)
    {
        _text.Append(_values.Count == 0 || part._values.Count == 0 ? part.Text : Placeholder().Replace(part.Text, Shifted));
        _values.AddRange(part._values);
    }

    internal void Fill(DbCommand command)
    {
        for (int i = 0; i < _values.Count; i++)
        {
            if (i < command.Parameters.Count)
            {
                command.Parameters[i].Value = _values[i].Value ?? DBNull.Value;
                continue;
            }
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            parameter.DbType = _values[i].Type;
            parameter.Value = _values[i].Value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }
    }

    private string Shifted(Match placeholder) => string.Create(
        CultureInfo.InvariantCulture, $"@p{int.Parse(placeholder.ValueSpan[2..], CultureInfo.InvariantCulture) + _values.Count}");

    [GeneratedRegex("@p[0-9]+")]
    private static partial Regex Placeholder();

    private void Add(DbType type, object? value)
    {
        _text.Append("@p").Append(_values.Count);
        _values.Add((type, value));
    }

    private void AddList<T>(IEnumerable<T> values, DbType type)
    {
        _text.Append('(');
        int before = _values.Count;
        foreach (T value in values)
        {
            if (_values.Count > before)
                _text.Append(", ");
            Add(type, value);
        }
        _text.Append(_values.Count == before ? "null)" : ")");
    }
}
