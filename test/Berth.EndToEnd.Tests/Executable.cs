namespace Berth.EndToEnd.Tests;

/// <summary>Programs that a test makes and runs at once.</summary>
/// <remarks>Written by another process: a descriptor that this one writes by is in each child that another test starts meanwhile, until
/// that child has become its own program, and as long nobody can run the file ("Text file busy").</remarks>
internal static class Executable
{
    /// <summary>Writes a script.</summary>
    public static async Task WriteAsync(string path, string text) =>
        await RunAsync("sh", ["-c", "umask 077 && cat > \"$1\" && chmod 700 \"$1\"", "sh", path], text);

    /// <summary>Copies a program, for everybody.</summary>
    public static async Task CopyAsync(string from, string to) => await RunAsync("install", ["-m", "755", from, to], null);

    private static async Task RunAsync(string program, string[] arguments, string? input)
    {
        Completed end = await Program.RunAsync(program, arguments, "", input);
        Assert.True(end.Code == 0, end.Errors);
    }
}
