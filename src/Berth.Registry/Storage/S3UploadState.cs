using System.Globalization;
using System.Text;

namespace Berth.Registry.Storage;

/// <summary>What an upload to S3 consists of so far: parts of a multipart upload, and a tail that is too short for a part.</summary>
internal sealed class S3UploadState
{
    /// <summary>The service's multipart upload; null while everything fits into the tail.</summary>
    public string? UploadId { get; set; }

    /// <summary>The parts in their order: what the service calls them and how long they are.</summary>
    public List<(string ETag, long Bytes)> Parts { get; } = [];

    /// <summary>The length of the tail.</summary>
    public int TailBytes { get; set; }

    /// <summary>The length of all parts.</summary>
    public long PartsBytes => Parts.Sum(part => part.Bytes);

    /// <exception cref="FaultException">Internal: the object was written by something else.</exception>
    public static S3UploadState Parse(byte[] text) =>
        TryParse(text) ?? throw FaultException.Internal("resume upload: its state in the bucket is not one of the hub's");

    /// <summary>Reads what <see cref="ToBytes"/> wrote; null: the object was written by something else.</summary>
    public static S3UploadState? TryParse(byte[] text)
    {
        string[] lines = Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var state = new S3UploadState();
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', 3);
            if (words is ["upload", var id])
                state.UploadId = id;
            else if (words is ["part", var bytes, var tag] && long.TryParse(bytes, NumberStyles.None, null, out long length))
                state.Parts.Add((tag, length));
            else if (words is ["tail", var count] && int.TryParse(count, NumberStyles.None, null, out int tail))
                state.TailBytes = tail;
            else
                return null;
        }
        return state;
    }

    public byte[] ToBytes()
    {
        var text = new StringBuilder();
        if (UploadId is not null)
            text.Append("upload ").Append(UploadId).Append('\n');
        foreach ((string tag, long bytes) in Parts)
            text.Append(CultureInfo.InvariantCulture, $"part {bytes} {tag}\n");
        return Encoding.UTF8.GetBytes(text.Append(CultureInfo.InvariantCulture, $"tail {TailBytes}\n").ToString());
    }
}
