using System.Text.RegularExpressions;
using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Collection;
using Berth.Registry.Hosting;
using Berth.Registry.Sealing;

namespace Berth.Registry.Operation.Backup;

/// <summary>The tables that a backup holds, in an order in which rows can be put back: as the schema makes them.</summary>
internal static partial class BackupTables
{
    // What is under way or soon forgotten, what is to be thrown away, and what follows from the configuration or the file with the key.
    private static readonly string[] s_left = ["uploads", "discarded", "sign_ins", "login_failures", CacheSchema.Table,
        BrowsingSchema.ChangesTable, SealingSchema.Table, CollectionSchema.Table];

    /// <summary>Names of all tables.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. HubSchema.Steps.SelectMany(step => Table().Matches(step.Sql)).Select(match => match.Groups[1].Value).Distinct().Except(s_left),
    ];

    /// <summary>Names of those whose rows are numbered by the database.</summary>
    public static IReadOnlyList<string> Numbered { get; } =
    [
        .. HubSchema.Steps.SelectMany(step => NumberedTable().Matches(step.Sql)).Select(match => match.Groups[1].Value).Distinct(),
    ];

    [GeneratedRegex(@"create table (\w+)\s*\(")]
    private static partial Regex Table();

    [GeneratedRegex(@"create table (\w+)\s*\(\s*id \{identity\}")]
    private static partial Regex NumberedTable();
}
