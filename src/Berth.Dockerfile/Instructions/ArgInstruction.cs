using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>ARG name[=default] …</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Arguments">The names with their defaults as written; null: none.</param>
public sealed record ArgInstruction(InstructionOrigin Origin, IReadOnlyList<ArgDeclaration> Arguments) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        List<ArgDeclaration> arguments = [];
        foreach (string word in Words.SplitQuoted(reader.Arguments, reader.Escape))
        {
            int equals = word.IndexOf('=');
            if (equals == 0)
                return reader.Fail("ARG names can not be blank");
            arguments.Add(equals < 0 ? new ArgDeclaration(word, null) : new ArgDeclaration(word[..equals], word[(equals + 1)..]));
        }
        return arguments.Count > 0
            ? new ArgInstruction(reader.Origin, arguments)
            : reader.Fail("ARG requires at least one argument");
    }
}

/// <summary>One build argument.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Default">Its default as written; null: none.</param>
public sealed record ArgDeclaration(string Name, string? Default);
