namespace Berth.Cli.Templates;

/// <summary>Something that is printed or decides what is printed.</summary>
internal abstract record Node;

internal sealed record TextNode(string Text) : Node;

internal sealed record ActionNode(Pipeline Pipeline) : Node;

/// <summary><c>if</c>, <c>with</c> or <c>range</c>.</summary>
internal sealed record BranchNode(string Keyword, Pipeline Pipeline, List<Node> Body, List<Node> Otherwise) : Node;

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record JumpNode(bool IsBreak) : Node;

/// <summary><c>template</c>, and a <c>block</c> where it stands: runs a template that has a name, over a value or nothing.</summary>
internal sealed record TemplateNode(string Name, Pipeline? Pipeline, int Position, string Text) : Node;

/// <summary>Commands joined by pipes; variables that take the value are named with their dollar sign.</summary>
internal sealed record Pipeline(List<string> Variables, bool IsDeclaration, List<CommandNode> Commands);

internal sealed record CommandNode(List<Operand> Words);

/// <summary>A value in a command, with its place and text for messages.</summary>
internal abstract record Operand(int Position, string Text);

internal sealed record ConstantOperand(object? Value, int Position, string Text) : Operand(Position, Text);

internal sealed record FunctionOperand(string Name, int Position) : Operand(Position, Name);

internal sealed record PipelineOperand(Pipeline Pipeline, int Position, string Text) : Operand(Position, Text);

/// <summary>The dot, a variable or another operand (<paramref name="Root"/>), and the fields taken from it.</summary>
internal sealed record FieldOperand(string? Variable, Operand? Root, List<string> Fields, int Position, string Text)
    : Operand(Position, Text);
