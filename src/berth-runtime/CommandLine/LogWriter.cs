using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Berth.Runtime.Bundles;

namespace Berth.RuntimeProgram.CommandLine;

/// <summary>Warnings and errors in the forms that callers of runc read: a line of JSON or of <c>name="value"</c> pairs each.</summary>
internal sealed class LogWriter
{
    private readonly string? _file;
    private readonly bool _json;
    private readonly bool _debug;

    /// <summary>Opens nothing yet.</summary>
    /// <exception cref="UsageException">No such format.</exception>
    public LogWriter(string? file, string? format, bool debug)
    {
        _file = string.IsNullOrEmpty(file) || file == "/dev/stderr" ? null : file;
        _json = format switch
        {
            null or "" or "text" => false,
            "json" => true,
            _ => throw new UsageException($"invalid log-format: {format}"),
        };
        _debug = debug;
    }

    /// <summary>Makes the log, and sees that it can be written before anything is done that it should tell of.</summary>
    /// <exception cref="IOException">It cannot; also as an <see cref="UnauthorizedAccessException"/>.</exception>
    public void Open()
    {
        if (_file is not null)
            OpenFile(_file).Dispose();
    }

    private static FileStream OpenFile(string file) => new(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 0);

    /// <summary>Something was left out or clamped.</summary>
    public void Warn(string message) => Write("warning", message);

    /// <summary>What is being done.</summary>
    public void Debug(string message)
    {
        if (_debug)
            Write("debug", message);
    }

    /// <summary>Why the run failed: in the log, and on standard error if that is not the log.</summary>
    public void Error(string message)
    {
        Write("error", message);
        if (_file is not null)
            Console.Error.WriteLine(message);
    }

    private void Write(string level, string message)
    {
        string time = DateTimeOffset.Now.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture).Replace("+00:00", "Z");
        string line = _json
            ? $"{{\"level\":\"{level}\",\"msg\":\"{Escaped(message)}\",\"time\":\"{time}\"}}"
            : $"time=\"{time}\" level={level} msg=\"{message.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")}\"";
        if (_file is null)
        {
            Console.Error.WriteLine(line);
            return;
        }
        try
        {
            using FileStream file = OpenFile(_file);
            file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(FileErrors.TextOf(refused));
            Console.Error.WriteLine(line);
        }
    }

    private static JsonEncodedText Escaped(string message) =>
        JsonEncodedText.Encode(message, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
}
