using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Berth.Linux.Tests;

/// <summary>C expressions with the values that we declare for them, and the headers that know them.</summary>
public sealed class HeaderTable(params string[] headers)
{
    private readonly List<(string Expression, long Ours)> _rows = [];

    public IReadOnlyList<(string Expression, long Ours)> Rows => _rows;

    /// <summary>One row: any C expression of integer type, such as <c>offsetof(struct stat, st_ino)</c>.</summary>
    public HeaderTable Add(string expression, long ours)
    {
        _rows.Add((expression, ours));
        return this;
    }

    /// <summary>All public constants of a class, except those named; their names are the C names.</summary>
    public HeaderTable Add(Type type, params string[] except)
    {
        foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral))
        {
            if (!except.Contains(field.Name))
                Add(field.Name, ToInt64(field.GetRawConstantValue()!));
        }
        return this;
    }

    /// <summary>What the headers say, in the order of <see cref="Rows"/>.</summary>
    public async Task<long[]> CompileAndRunAsync(CancellationToken cancellationToken)
    {
        string directory = Directory.CreateTempSubdirectory("berth-headers-").FullName;
        try
        {
            StringBuilder source = new("#define _GNU_SOURCE\n#include <stddef.h>\n#include <stdio.h>\n");
            foreach (string header in headers)
                source.Append("#include <").Append(header).Append(">\n");
            source.Append("int main(void) {\n");
            foreach ((string expression, _) in _rows)
                source.Append("printf(\"%lld\\n\", (long long)(").Append(expression).Append("));\n");
            source.Append("return 0; }\n");
            string file = Path.Combine(directory, "table.c");
            await File.WriteAllTextAsync(file, source.ToString(), cancellationToken);
            await RunAsync("gcc", ["-w", "-o", Path.Combine(directory, "table"), file], cancellationToken);
            string output = await RunAsync(Path.Combine(directory, "table"), [], cancellationToken);
            return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => long.Parse(line, CultureInfo.InvariantCulture))];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>A constant of any integer type.</summary>
    public static long ToInt64(object value) => value is ulong number ? unchecked((long)number) : Convert.ToInt64(value, null);

    private static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.True(process.ExitCode == 0, $"{program}: {await errors}");
        return output;
    }
}
