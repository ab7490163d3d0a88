namespace Berth.Builder.Solving;

/// <summary>Guesses from a failed command what is wrong, for the mistakes that account for most failures.</summary>
internal static class FailureHints
{
    public static string? For(string command, StepResult result, string output)
    {
        if (command.Contains('\r') || output.Contains("\r: not found", StringComparison.Ordinal)
            || output.Contains("^M", StringComparison.Ordinal) || output.Contains("\\r': command not found", StringComparison.Ordinal))
            return "a script has Windows line endings (CRLF); convert it, for example with: sed -i 's/\\r$//' <script>";
        if (AsksWithoutAnswer(command, output))
            return "apt asked for confirmation and nobody can answer during a build; use: apt-get install -y";
        if (result.OutOfMemory)
            return "the command ran out of memory; give the build more (--memory) or do less at once";
        return result.ExitCode switch
        {
            127 => "a program was not found; is its package installed in an earlier step, and is it in PATH?",
            126 => "a program is not executable; use chmod +x, or COPY --chmod=755",
            _ => null,
        };
    }

    private static bool AsksWithoutAnswer(string command, string output) =>
        output.Contains("Do you want to continue?", StringComparison.Ordinal) && command.Contains("apt", StringComparison.Ordinal);
}
