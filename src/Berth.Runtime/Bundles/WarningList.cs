using System.Collections.ObjectModel;

namespace Berth.Runtime.Bundles;

/// <summary>A list whose entries are told as they come.</summary>
internal sealed class WarningList(Action<string> warn) : Collection<string>
{
    /// <inheritdoc/>
    protected override void InsertItem(int index, string item)
    {
        warn(item);
        base.InsertItem(index, item);
    }
}
