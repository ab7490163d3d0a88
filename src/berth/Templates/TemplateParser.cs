using System.Globalization;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>Builds the tree of a template. Nesting is bounded, since a template may come from a file.</summary>
internal sealed class TemplateParser(string text)
{
    private const int DepthMax = 100;
    private readonly List<Token> _tokens = new Lexer(text).Run();
    private int _at;
    private readonly Dictionary<string, List<Node>> _named = new(StringComparer.Ordinal);
    private int _depth;

    private Token Current => _tokens[_at];

    /// <summary>Reads the nodes of the template, and those of each that it defines by a name.</summary>
    /// <exception cref="TemplateException">Not a template.</exception>
    public static (List<Node> Nodes, IReadOnlyDictionary<string, List<Node>> Named) Parse(string text)
    {
        TemplateParser parser = new(text);
        List<Node> nodes = parser.List(out string end);
        return end.Length == 0 ? (nodes, parser._named) : throw parser.Failure($"unexpected {{{{{end}}}}}");
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
            // A definition stands by itself, and only in the open.
            if (_depth == 1 && Current is { Kind: TokenKind.Identifier, Text: "define" })
                Define();
            else
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
        if (Current is { Kind: TokenKind.Identifier, Text: "template" or "block" } named)
        {
            _at++;
            return Named(named.Text);
        }
        Pipeline pipeline = Pipeline(TokenKind.Close, "command");
        return new ActionNode(pipeline);
    }

    private void Define()
    {
        _at++;
        string name = Name("define clause");
        Expect(TokenKind.Close, "define clause");
        Body(name);
    }

    private TemplateNode Named(string keyword)
    {
        string context = keyword + " clause";
        SkipSpace();
        Token start = Current;
        string name = Name(context);
        Pipeline? pipeline = null;
        if (keyword == "block" || Current.Kind != TokenKind.Close)
            pipeline = Pipeline(TokenKind.Close, context);
        else
            _at++;
        // Go says where its name stands, and writes both as a template.
        string clause = text[start.Position.._tokens[_at - 1].Position].Trim();
        TemplateNode node = new(name, pipeline, start.Position, $"{{{{template {clause}}}}}");
        if (keyword == "block")
            Body(name);
        return node;
    }

    private string Name(string context)
    {
        SkipSpace();
        Token name = _tokens[_at++];
        SkipSpace();
        return name.Kind == TokenKind.String ? name.Text : throw Failure($"unexpected {Show(name)} in {context}");
    }

    private void Body(string name)
    {
        List<Node> body = List(out string end);
        if (end != "end")
            throw Failure(end.Length == 0 ? "unexpected EOF" : $"unexpected {{{{{end}}}}}");
        Expect(TokenKind.Close, "end");
        if (_named.TryGetValue(name, out List<Node>? other) && !IsEmpty(other))
        {
            if (!IsEmpty(body))
                throw Failure($"template: multiple definition of template {GoValue.Quote(name)}");
            return;
        }
        _named[name] = body;
    }

    private static bool IsEmpty(List<Node> nodes) => nodes.All(static n => n is TextNode text && string.IsNullOrWhiteSpace(text.Text));

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
        _ when IsKeyword(token.Text) => throw Failure($"unexpected {Show(token)} in command"),
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
        TokenKind.Dot => "<.>",
        TokenKind.Identifier when IsKeyword(token.Text) => $"<{token.Text}>",
        TokenKind.String => GoValue.Quote(GoValue.Quote(token.Text)),
        _ => token.Text.Length > 10 ? GoValue.Quote(token.Text[..10]) + "..." : GoValue.Quote(token.Text),
    };

    private static bool IsKeyword(string word) =>
        word is "block" or "break" or "continue" or "define" or "else" or "end" or "if" or "range" or "template" or "with";

    private TemplateException Failure(string problem) =>
        new($"template: :{Lexer.Line(text, _tokens[Math.Min(_at, _tokens.Count - 1)].Position)}: {problem}");
}
