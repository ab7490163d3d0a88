using System.Text.Json;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Layers.Stores;

// What a start finds: whole layers and writable layers, and what a crash or a loss of power left of others.
public abstract partial class LayerStore
{
    private void Load()
    {
        Dictionary<ChainId, LayerRecord> records = [];
        foreach (string directory in Directory.GetDirectories(Path.Combine(_root, "l")))
        {
            if (ReadRecord(directory) is { } record && ChainOf(record.Chain) is { } chain && LayerPath(chain) == directory)
                records.Add(chain, record);
            else
                Drop(directory);
        }
        foreach (ChainId chain in records.Keys)
        {
            // A parent was lost: the layers above are of no use without it, and in the way of the next pull.
            if (!TryLoadLayer(chain, records))
                Drop(LayerPath(chain));
        }
        foreach (string directory in Directory.GetDirectories(Path.Combine(_root, "w")))
            LoadWritable(directory);
    }

    private void Drop(string directory)
    {
        string trash = NewTemporaryName();
        Discard(directory, trash, $"open layer store {_root}");
        RemoveBehind(trash);
    }

    private bool TryLoadLayer(ChainId chain, Dictionary<ChainId, LayerRecord> records)
    {
        // From the top down to one that is known, then up again: chains may be long.
        Stack<ChainId> missing = new();
        ChainId? next = chain;
        while (next is { } link && !_layers.ContainsKey(link))
        {
            if (!records.TryGetValue(link, out LayerRecord? record))
                return false;
            missing.Push(link);
            next = ChainOf(record.Parent);
        }
        foreach (ChainId link in missing)
        {
            LayerRecord record = records[link];
            ChainId? parent = ChainOf(record.Parent);
            Layer? below = parent is { } there ? _layers[there] : null;
            _layers.Add(link, new Layer(
                link, parent, new DiffId(Digest.Parse(record.DiffId)), record.Size, Stack(TreePath(link), below)));
            RemoveWritableRest(LayerPath(link)); // A commit that was cut short behind its rename.
        }
        return true;
    }

    private void LoadWritable(string directory)
    {
        WritableRecord? record = ReadWritable(directory);
        Layer? parent = ChainOf(record?.Parent) is { } chain ? _layers.GetValueOrDefault(chain) : null;
        if (record is null || (record.Parent is not null && parent is null))
            return; // Nothing can be mounted over a lost parent; the files stay for whoever repairs this or removes the name.
        // A commit that did not come to its rename.
        File.Delete(Path.Combine(directory, "layer.json"));
        File.Delete(Path.Combine(directory, "synced"));
        string name = Path.GetFileName(directory);
        _writables.Add(name, Describe(name, parent) with { Project = record.Project });
    }

    private static void RemoveWritableRest(string directory)
    {
        foreach (string rest in (string[])["w", "m", "writable.json"])
            TreeRemover.Remove(Path.Combine(directory, rest));
    }

    private static ChainId? ChainOf(string? text) => Digest.TryParse(text, out Digest digest) ? new ChainId(digest) : null;

    // Null for a record that is missing, damaged or not known to be on disk since the machine was started.
    private LayerRecord? ReadRecord(string directory)
    {
        LayerRecord? record = Read(Path.Combine(directory, "layer.json"), LayerJson.Default.LayerRecord);
        bool whole = record is not null && Digest.TryParse(record.DiffId, out _)
            && (record.Parent is null || ChainOf(record.Parent) is not null)
            && (record.Boot == _boot || File.Exists(Path.Combine(directory, "synced")));
        return whole ? record : null;
    }

    private static WritableRecord? ReadWritable(string directory) =>
        Read(Path.Combine(directory, "writable.json"), LayerJson.Default.WritableRecord);

    private static T? Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception damaged) when (damaged is JsonException or FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // A file that was not flushed may be empty after a loss of power.
        }
    }
}
