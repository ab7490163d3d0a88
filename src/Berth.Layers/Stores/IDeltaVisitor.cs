using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Is told what differs from the tree below, in the order of the names' bytes, directories before what is in them.</summary>
internal interface IDeltaVisitor
{
    /// <summary>Something that was added or changed; also directories on the way to a difference.</summary>
    void Present(FileDescriptor parent, byte[] name, byte[] path, FileStatus status, FileStatus? below);

    /// <summary>Something that is no longer there.</summary>
    void Deleted(byte[] path);

    /// <summary>A directory, presented just before, hides everything below it.</summary>
    void Opaque(byte[] path);
}
