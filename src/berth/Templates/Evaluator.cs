using System.Text;
using System.Text.Json;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>Runs a template over a value.</summary>
/// <param name="text">The template, for the places in messages.</param>
/// <param name="named">What it defines by names.</param>
/// <param name="output">Where to print.</param>
/// <param name="functions">What it may call.</param>
internal sealed class Evaluator(
    string text, IReadOnlyDictionary<string, List<Node>> named, StringBuilder output, Functions functions)
{
    // Go's limit is 100000, which this program's stack would not bear.
    private const int DepthMax = 1000;

    private List<(string Name, object? Value)> _variables = [];
    private string _name = "";
    private int _depth;

    private enum Flow { Next, Break, Continue }

    /// <exception cref="TemplateException">A field that is not there, a function that does not fit its arguments.</exception>
    public void Run(List<Node> nodes, object? root)
    {
        _variables.Add(("$", root));
        Walk(nodes, root);
    }

    private Flow Walk(List<Node> nodes, object? dot)
    {
        int mark = _variables.Count;
        Flow flow = Flow.Next;
        foreach (Node node in nodes)
        {
            flow = One(node, dot);
            if (flow != Flow.Next)
                break;
        }
        _variables.RemoveRange(mark, _variables.Count - mark);
        return flow;
    }

    private Flow One(Node node, object? dot)
    {
        switch (node)
        {
            case TextNode plain:
                output.Append(plain.Text);
                return Flow.Next;
            case ActionNode action:
                object? value = Evaluate(action.Pipeline, dot);
                if (action.Pipeline.Variables.Count == 0)
                    output.Append(Printed(action.Pipeline, value));
                return Flow.Next;
            case TemplateNode call:
                CallNamed(call, dot);
                return Flow.Next;
            case JumpNode jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
            default:
                return Branch((BranchNode)node, dot);
        }
    }

    private void CallNamed(TemplateNode call, object? dot)
    {
        if (!named.TryGetValue(call.Name, out List<Node>? nodes))
            throw Failure(call.Position, call.Text, $"template {GoValue.Quote(call.Name)} not defined");
        if (_depth == DepthMax)
            throw Failure(call.Position, call.Text, $"exceeded maximum template depth ({DepthMax})");
        object? value = call.Pipeline is null ? null : Evaluate(call.Pipeline, dot);
        (List<(string, object?)> variables, string name) = (_variables, _name);
        // It sees its own value alone, none of the caller's variables.
        (_variables, _name) = ([("$", value)], call.Name);
        _depth++;
        Walk(nodes, value);
        _depth--;
        (_variables, _name) = (variables, name);
    }

    // Only a field that stands alone has its Go type still; a function's result is what it is.
    private string Printed(Pipeline pipeline, object? value) =>
        pipeline.Commands is [{ Words: [FieldOperand { Fields: [.., var name] }] }] && functions.PrintField(name, value) is { } text
            ? text : Value.Print(value);

    private Flow Branch(BranchNode branch, object? dot)
    {
        int mark = _variables.Count;
        Flow flow;
        if (branch.Keyword == "range")
            flow = Range(branch, dot);
        else
        {
            object? value = Evaluate(branch.Pipeline, dot);
            bool holds = Value.IsTrue(value);
            flow = Walk(holds ? branch.Body : branch.Otherwise, holds && branch.Keyword == "with" ? value : dot);
        }
        _variables.RemoveRange(mark, _variables.Count - mark);
        return flow;
    }

    private Flow Range(BranchNode branch, object? dot)
    {
        Pipeline pipeline = branch.Pipeline;
        object? value = Evaluate(pipeline with { Variables = [] }, dot);
        IEnumerable<(object? Key, object? Item)> items = Value.Items(value)
            ?? throw Failure(pipeline.Commands[0].Words[0], $"range can't iterate over {Value.Print(value)}");
        bool any = false;
        foreach ((object? key, object? item) in items)
        {
            any = true;
            int mark = _variables.Count;
            if (pipeline.Variables.Count == 1)
                Set(pipeline.Variables[0], item, pipeline.IsDeclaration);
            else if (pipeline.Variables.Count == 2)
            {
                Set(pipeline.Variables[0], key, pipeline.IsDeclaration);
                Set(pipeline.Variables[1], item, pipeline.IsDeclaration);
            }
            Flow flow = Walk(branch.Body, item);
            if (_variables.Count > mark)
                _variables.RemoveRange(mark, _variables.Count - mark);
            if (flow == Flow.Break)
                break;
        }
        return any ? Flow.Next : Walk(branch.Otherwise, dot);
    }

    private object? Evaluate(Pipeline pipeline, object? dot)
    {
        object? value = null;
        bool piped = false;
        foreach (CommandNode command in pipeline.Commands)
        {
            value = Command(command, dot, value, piped);
            piped = true;
        }
        foreach (string variable in pipeline.Variables)
            Set(variable, value, pipeline.IsDeclaration);
        return value;
    }

    private object? Command(CommandNode command, object? dot, object? last, bool piped)
    {
        Operand first = command.Words[0];
        List<object?> arguments = [];
        if (first is FunctionOperand { Name: "and" or "or" } shortcut)
            return ShortCircuit(shortcut.Name == "and", command, dot, last, piped);
        for (int i = 1; i < command.Words.Count; i++)
            arguments.Add(Operand(command.Words[i], dot));
        if (piped)
            arguments.Add(last);
        if (first is FunctionOperand function)
            return Call(function, arguments, string.Join(' ', command.Words.Select(static w => w.Text.Trim())));
        if (arguments.Count == 0)
            return Operand(first, dot);
        if (first is FieldOperand { Fields.Count: > 0 } field)
            return Method(field, dot, arguments);
        throw Failure(first, $"can't give argument to non-function {first.Text}");
    }

    private object? ShortCircuit(bool isAnd, CommandNode command, object? dot, object? last, bool piped)
    {
        object? value = null;
        int count = command.Words.Count - 1 + (piped ? 1 : 0);
        if (count == 0)
            throw Failure(command.Words[0], $"wrong number of args for {command.Words[0].Text}: want at least 1 got 0");
        for (int i = 1; i <= count; i++)
        {
            value = i < command.Words.Count ? Operand(command.Words[i], dot) : last;
            if (Value.IsTrue(value) != isAnd)
                return value;
        }
        return value;
    }

    private object? Call(FunctionOperand function, List<object?> arguments, string command)
    {
        try
        {
            return functions.Call(function.Name, arguments);
        }
        catch (TemplateException e)
        {
            // Go: the function's own failure is told of the whole call, a call that does not fit it of its name.
            bool isOwn = e.Message.StartsWith("error calling ", StringComparison.Ordinal);
            throw Failure(isOwn ? new ConstantOperand(null, function.Position, command) : function, e.Message);
        }
    }

    private object? Operand(Operand operand, object? dot) => operand switch
    {
        ConstantOperand constant => constant.Value,
        FunctionOperand function => Call(function, [], function.Text),
        PipelineOperand inner => Evaluate(inner.Pipeline, dot),
        FieldOperand field => Fields(field, Root(field, dot), field.Fields.Count),
        _ => null,
    };

    private object? Root(FieldOperand field, object? dot) => field.Root is not null ? Operand(field.Root, dot)
        : field.Variable is null ? dot : Variable(field);

    private object? Variable(FieldOperand field)
    {
        for (int i = _variables.Count - 1; i >= 0; i--)
        {
            if (_variables[i].Name == field.Variable)
                return _variables[i].Value;
        }
        throw new TemplateException($"template: :{Lexer.Line(text, field.Position)}: undefined variable \"{field.Variable}\"");
    }

    private object? Fields(FieldOperand operand, object? value, int count)
    {
        for (int i = 0; i < count; i++)
        {
            // Go: a key that a map does not have is no value, and what is asked of no value is none either.
            if (value is GoMap { KeyType: null } map && !map.ContainsKey(operand.Fields[i]))
                return null;
            object? inner = Field(operand, value, operand.Fields[i]);
            // What is left out may be asked for, and not what would be in it.
            if (inner is null && i + 1 < count && value is JsonElement json && !json.TryGetProperty(operand.Fields[i], out _))
                throw Failure(operand, $"map has no entry for key {GoValue.Quote(operand.Fields[i])}");
            value = inner;
        }
        return value;
    }

    private object? Field(FieldOperand operand, object? value, string name)
    {
        switch (value)
        {
            case IFields fields:
                return fields.TryGet(name, out object? found) ? found
                    : throw Failure(operand, $"can't evaluate field {name} in type {fields.TypeName}");
            case GoMap { KeyType: not null }:
                throw Failure(operand, $"can't evaluate field {name} in type nat.PortMap");
            case IReadOnlyDictionary<string, object?> map:
                return map.TryGetValue(name, out object? item) ? item : null;
            case JsonElement { ValueKind: JsonValueKind.Object } element:
                return JsonField(operand, element, name);
            case null:
                throw Failure(operand, $"nil pointer evaluating interface {{}}.{name}");
            default:
                throw Failure(operand, $"can't evaluate field {name} in type {(functions.IsUntyped ? "interface {}" : TypeName(value))}");
        }
    }

    // Docker's own types spell a field ID that their JSON spells Id, and templates use both.
    private object? JsonField(FieldOperand operand, JsonElement element, string name)
    {
        if (functions.Map(element, name) is { } map)
            return map;
        if (element.TryGetProperty(name, out JsonElement exact))
            return Value.Of(exact);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase))
                return Value.Of(property.Value);
        }
        return functions.Zero(name) ?? (functions.MissingIsNull(name) ? null
            : throw Failure(operand, $"map has no entry for key {GoValue.Quote(name)}"));
    }

    private object? Method(FieldOperand field, object? dot, List<object?> arguments)
    {
        object? owner = Fields(field, Root(field, dot), field.Fields.Count - 1);
        string name = field.Fields[^1];
        if (owner is IFields fields && fields.TryCall(name, arguments, out object? result))
            return result;
        throw Failure(field, $"{name} is not a method but has arguments");
    }

    private void Set(string name, object? value, bool declares)
    {
        for (int i = _variables.Count - 1; !declares && i >= 0; i--)
        {
            if (_variables[i].Name == name)
            {
                _variables[i] = (name, value);
                return;
            }
        }
        _variables.Add((name, value));
    }

    private TemplateException Failure(Operand at, string problem) => Failure(at.Position, at.Text.Trim(), problem);

    private TemplateException Failure(int position, string at, string problem)
    {
        int line = Lexer.Line(text, position);
        int column = position - (text.LastIndexOf('\n', Math.Max(0, position - 1)) + 1);
        return new TemplateException($"template: :{line}:{column}: executing {GoValue.Quote(_name)} at <{at}>: {problem}");
    }

    private static string TypeName(object value) => value switch
    {
        string => "string",
        bool => "bool",
        long => "int64",
        double => "float64",
        _ => "[]interface {}",
    };
}
