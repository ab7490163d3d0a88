namespace Berth.Cli.Commands;

/// <summary>Texts that several options share.</summary>
internal static class FlagText
{
    public const string Format = "Format output using a custom template:\n'json':             Print in JSON format\n" + Template;

    public const string TableFormat =
        "Format output using a custom template:\n"
        + "'table':            Print output in table format with column headers (default)\n"
        + "'table TEMPLATE':   Print output in table format using the given Go template\n"
        + "'json':             Print in JSON format\n" + Template;

    private const string Template =
        "'TEMPLATE':         Print output using the given Go template.\n"
        + "Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";
}
