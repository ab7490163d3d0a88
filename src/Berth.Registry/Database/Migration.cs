namespace Berth.Registry.Database;

/// <summary>One step of a subject's schema. Steps are never changed once released: later ones are added.</summary>
/// <param name="Subject">Whose tables: each subject counts its steps from 1 by itself.</param>
/// <param name="Number">Place in the order.</param>
/// <param name="Sql">
/// Statements for both databases. <c>{identity}</c> stands for the type of a numbered primary key, <c>{bytes}</c> for that of bytes,
/// <c>{name}</c> for that of texts which are listed in the order of their bytes.
/// </param>
public sealed record Migration(string Subject, int Number, string Sql)
{
    /// <summary>Other statements for PostgreSQL, where the two have nothing in common; null: the same.</summary>
    public string? PostgreSql { get; init; }
}
