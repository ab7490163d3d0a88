using System.Globalization;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>Builds the tree of a template. Nesting is bounded, since a template may come from a file.</summary>
internal sealed class TemplateParser(string text)
{
    private const int DepthMax = 100;
    private readonly List<Token> _tokens = new Lexer(text).Run();
    private int _at;
    private int _depth;

    private Token Current => _tokens[_at];

    /// <exception cref="TemplateException">Not a template.</exception>
    public static List<Node> Parse(string text)
    {
        TemplateParser parser = new(text);
        List<Node> nodes = parser.List(out string end);
        return end.Length == 0 ? nodes : throw parser.Failure($"unexpected {{{{{end}}}}}");
    }

    // A list ends with the template, or with {{end}} or {{else …}}, whose word is handed out.
    private List<Node> List(out string end)
    {
        List<Node> nodes = [];
        if (++_depth > DepthMax)
            throw Failure("exceeded max nesting depth");
        while (true)
        {
            Token token = _tokens[_at++];
            if (token.Kind == TokenKind.End)
            {
                end = "";
                break;
            }
            if (token.Kind == TokenKind.Text)
            {
                nodes.Add(new TextNode(token.Text));
                continue;
            }
            SkipSpace();
            if (Current is { Kind: TokenKind.Identifier, Text: "end" or "else" } word)
            {
                end = word.Text;
                _at++;
                SkipSpace();
                break;
            }
            nodes.Add(Action());
        }
        _depth--;
        return nodes;
    }

    private Node Action()
    {
        if (Current is { Kind: TokenKind.Identifier, Text: "if" or "with" or "range" } word)
        {
            _at++;
            return Branch(word.Text);
        }
        if (Current is { Kind: TokenKind.Identifier, Text: "break" or "continue" } jump)
        {
            _at++;
            SkipSpace();
            Expect(TokenKind.Close, "command");
            return new JumpNode(jump.Text == "break");
        }
        if (Current is { Kind: TokenKind.Identifier, Text: "define" or "template" or "block" } other)
            throw Failure($"{other.Text} is not supported in this template");
        Pipeline pipeline = Pipeline(TokenKind.Close, "command");
        return new ActionNode(pipeline);
    }

    private BranchNode Branch(string keyword)
    {
        Pipeline pipeline = Pipeline(TokenKind.Close, keyword);
        List<Node> body = List(out string end);
        List<Node> otherwise = [];
        if (end == "else")
        {
            if (Current is { Kind: TokenKind.Identifier, Text: "if" or "with" } next)
            {
                // {{else if}} is {{else}}{{if}} that shares its {{end}}.
                _at++;
                return new BranchNode(keyword, pipeline, body, [Branch(next.Text)]);
            }
            Expect(TokenKind.Close, "else");
            otherwise = List(out end);
        }
        if (end != "end")
            throw Failure(end.Length == 0 ? "unexpected EOF" : $"unexpected {{{{{end}}}}}");
        Expect(TokenKind.Close, "end");
        return new BranchNode(keyword, pipeline, body, otherwise);
    }

    private Pipeline Pipeline(TokenKind end, string context)
    {
        if (++_depth > DepthMax)
            throw Failure("exceeded max nesting depth");
        SkipSpace();
        (List<string> variables, bool declares) = Declarations();
        List<CommandNode> commands = [];
        while (true)
        {
            SkipSpace();
            if (Current.Kind == end)
                break;
            commands.Add(Command(end, context));
            SkipSpace();
            if (Current.Kind == TokenKind.Pipe)
            {
                _at++;
                SkipSpace();
                if (Current.Kind == end)
                    throw Failure($"missing value for {context}");
            }
        }
        if (commands.Count == 0)
            throw Failure($"missing value for {context}");
        _at++;
        _depth--;
        return new Pipeline(variables, declares, commands);
    }

    private (List<string> Variables, bool Declares) Declarations()
    {
        int start = _at;
        List<string> variables = [];
        while (Current.Kind == TokenKind.Variable)
        {
            variables.Add(Current.Text);
            _at++;
            SkipSpace();
            if (Current.Kind is TokenKind.Declare or TokenKind.Assign)
                return (variables, _tokens[_at++].Kind == TokenKind.Declare);
            if (Current.Kind != TokenKind.Comma)
                break;
            _at++;
            SkipSpace();
        }
        _at = start;
        return ([], false);
    }

    private CommandNode Command(TokenKind end, string context)
    {
        List<Operand> words = [];
        while (true)
        {
            SkipSpace();
            if (Current.Kind is TokenKind.Pipe || Current.Kind == end)
                break;
            words.Add(Operand(context));
            if (Current.Kind != TokenKind.Space && Current.Kind != TokenKind.Pipe && Current.Kind != end)
                throw Failure($"unexpected {Show(Current)} in operand");
        }
        return words.Count > 0 ? new CommandNode(words) : throw Failure($"missing value for {context}");
    }

    private Operand Operand(string context)
    {
        Token token = _tokens[_at++];
        Operand? operand = token.Kind switch
        {
            TokenKind.Dot => new FieldOperand(null, null, [], token.Position, "."),
            TokenKind.Field => Chain(token),
            TokenKind.Variable => new FieldOperand(token.Text, null, Fields(null), token.Position, TextFrom(token)),
            TokenKind.String => new ConstantOperand(token.Text, token.Position, GoValue.Quote(token.Text)),
            TokenKind.Char => new ConstantOperand((long)System.Text.Rune.GetRuneAt(token.Text, 0).Value, token.Position, token.Text),
            TokenKind.Number => new ConstantOperand(Number(token), token.Position, token.Text),
            TokenKind.Identifier => Word(token),
            TokenKind.OpenParen => Parenthesis(token),
            TokenKind.End => throw Failure("unclosed action"),
            _ => throw Failure($"unexpected {Show(token)} in {context}"),
        };
        return operand;
    }

    private Operand Word(Token token) => token.Text switch
    {
        "true" => new ConstantOperand(true, token.Position, token.Text),
        "false" => new ConstantOperand(false, token.Position, token.Text),
        "nil" => new ConstantOperand(null, token.Position, token.Text),
        _ when Functions.IsKnown(token.Text) => new FunctionOperand(token.Text, token.Position),
        _ => throw Failure($"function {GoValue.Quote(token.Text)} not defined"),
    };

    private Operand Parenthesis(Token open)
    {
        Pipeline inner = Pipeline(TokenKind.CloseParen, "parenthesized pipeline");
        PipelineOperand operand = new(inner, open.Position, TextFrom(open));
        List<string> fields = Fields(null);
        return fields.Count == 0 ? operand : new FieldOperand(null, operand, fields, open.Position, TextFrom(open));
    }

    // Go puts a chain of fields where its second field stands, and says so in messages.
    private FieldOperand Chain(Token first)
    {
        int position = Current.Kind == TokenKind.Field ? Current.Position : first.Position;
        List<string> fields = Fields(first);
        return new FieldOperand(null, null, fields, position, TextFrom(first));
    }

    private List<string> Fields(Token? first)
    {
        List<string> fields = first is { } token ? [token.Text[1..]] : [];
        while (Current.Kind == TokenKind.Field)
            fields.Add(_tokens[_at++].Text[1..]);
        return fields;
    }

    private string TextFrom(Token start) => text[start.Position..Current.Position];

    private object Number(Token token)
    {
        if (GoValue.TryParseInt(token.Text.Replace("_", "", StringComparison.Ordinal), out long whole))
            return whole;
        return double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real)
            ? real : throw Failure($"bad number syntax: {GoValue.Quote(token.Text)}");
    }

    private void SkipSpace()
    {
        while (Current.Kind == TokenKind.Space)
            _at++;
    }

    private void Expect(TokenKind kind, string context)
    {
        if (_tokens[_at++].Kind != kind)
            throw Failure($"unexpected {Show(_tokens[_at - 1])} in {context}");
    }

    private static string Show(Token token) => token.Kind switch
    {
        TokenKind.End => "EOF",
        TokenKind.Close => "\"}}\"",
        _ => $"<{token.Text}>",
    };

    private TemplateException Failure(string problem) =>
        new($"template: :{Lexer.Line(text, _tokens[Math.Min(_at, _tokens.Count - 1)].Position)}: {problem}");
}
