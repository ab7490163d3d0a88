namespace Berth.Registry.Operation.Backup;

/// <summary>How a backup lies in its directory: <c>hub.jsonl</c> and <c>blobs/&lt;algorithm&gt;/&lt;first
/// two&gt;/&lt;hex&gt;</c>.</summary>
internal static class BackupFormat
{
    public const string Name = "berth-hub backup";
    // 1 held signing keys and webhooks' secrets plainly.
    public const int Version = 2;
    public const int PlainVersion = 1;
    public const string RowsFile = "hub.jsonl";
    // Whose backup it is: the random name of that hub's database.
    public const string HubFile = "hub.id";

    public static string BlobPath(string directory, string digest)
    {
        int colon = digest.IndexOf(':', StringComparison.Ordinal);
        string hex = digest[(colon + 1)..];
        return Path.Join(directory, "blobs", digest[..colon], hex[..2], hex);
    }
}
