using System.Text.RegularExpressions;
using Berth.Engine.Logs.Destinations;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>What the log settings of one container mean: the file that its monitor writes, and where its lines go besides.</summary>
/// <remarks>Whatever the driver, the monitor writes a file of bounded size (docs/adr/0010-log-drivers.md): what is sent elsewhere is
/// read from there, so that neither a dead daemon nor a dead log server stops a container.</remarks>
internal sealed record LogPlan
{
    /// <summary>The driver's name.</summary>
    public required string Driver { get; init; }

    /// <summary>The file's size before it is rotated; -1: never.</summary>
    public required long BytesMax { get; init; }

    /// <summary>How many files there are at most.</summary>
    public required int FilesMax { get; init; }

    /// <summary>Rotated files are compressed.</summary>
    public bool Compress { get; init; }

    /// <summary><c>logs</c> may read the file.</summary>
    public bool IsReadable { get; init; } = true;

    /// <summary>The container waits when the destination does not keep up; only when it was asked for.</summary>
    public bool Blocks { get; init; }

    /// <summary>How much is held in memory on its way to the destination, in bytes.</summary>
    public int BufferBytes { get; init; } = 64 * 1024;

    /// <summary>Makes the destination; null: the file is all.</summary>
    public Func<LogSource, ILogDestination>? Open { get; init; }

    /// <summary>Which labels and variables go along with each line.</summary>
    public required LogAttributeChoice Attributes { get; init; }

    /// <summary>The tag as a template; null: the driver's own.</summary>
    public string? Tag { get; init; }

    /// <summary>What the monitor writes.</summary>
    public LogFile FileAt(string path, LogSource source) => new(path, BytesMax, FilesMax)
    {
        Attributes = Driver == "json-file" ? source.Json() : null,
    };
}

/// <summary>Which labels and variables of a container go along with its lines.</summary>
internal sealed record LogAttributeChoice(
    IReadOnlyList<string> Labels, Regex? LabelPattern, IReadOnlyList<string> Variables, Regex? VariablePattern);
