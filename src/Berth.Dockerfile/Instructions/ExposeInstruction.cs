using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>EXPOSE port[-port][/protocol] …</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Ports">The words; variables not replaced.</param>
public sealed record ExposeInstruction(InstructionOrigin Origin, IReadOnlyList<string> Ports) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        IReadOnlyList<string> ports = Words.Split(reader.Arguments);
        if (ports.Count == 0)
            return reader.Fail("EXPOSE requires at least one argument");
        foreach (string port in ports)
        {
            string[] parts = port.Split('/');
            if (parts.Length == 2 && parts[1].Any(char.IsUpper) && !parts[1].Contains('$'))
                reader.Diagnostics.Warn(reader.Range, "ExposeProtoCasing",
                    $"Defined protocol '{port}' in EXPOSE instruction should be lowercase");
            if (port.Contains(':'))
                reader.Diagnostics.Warn(reader.Range, "ExposeInvalidFormat",
                    $"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'");
        }
        return new ExposeInstruction(reader.Origin, ports);
    }
}
