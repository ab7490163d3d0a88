using Berth.Layers;
using Berth.Layers.Stores;
using Berth.Linux;
using Berth.Linux.Mounts;

namespace Berth.Engine;

/// <summary>Chooses how layers are kept: overlayfs where the file system takes it, plain copies elsewhere.</summary>
internal static class LayerStores
{
    public static LayerStore Open(string root)
    {
        Directory.CreateDirectory(root);
        return TakesOverlay(root) ? new OverlayLayerStore(root) : new CopyLayerStore(root);
    }

    // Tried, not guessed: overlayfs refuses some file systems as upper, among them itself.
    private static bool TakesOverlay(string root)
    {
        DirectoryInfo trial = Directory.CreateTempSubdirectory("berth-overlay-");
        string inside = Path.Combine(root, "." + trial.Name);
        trial.Delete();
        try
        {
            foreach (string name in (string[])["lower", "upper", "work"])
                Directory.CreateDirectory(Path.Combine(inside, name));
            DetachedMounts.Overlay([Path.Combine(inside, "lower")], Path.Combine(inside, "upper"), Path.Combine(inside, "work")).Dispose();
            return true;
        }
        catch (LinuxException)
        {
            return false;
        }
        finally
        {
            Directory.Delete(inside, recursive: true);
        }
    }
}
