using System.Text;

namespace Berth.Cli.Templates;

/// <summary>A template that was read and can be run over many values.</summary>
internal sealed class Template
{
    private readonly string _text;
    private readonly List<Node> _nodes;
    private readonly IReadOnlyDictionary<string, List<Node>> _named;

    /// <exception cref="TemplateException">Not a template.</exception>
    public Template(string text) => (_text, (_nodes, _named)) = (text, TemplateParser.Parse(text));

    /// <exception cref="TemplateException">It does not fit the value.</exception>
    public string Run(object? value, Functions functions)
    {
        StringBuilder output = new();
        new Evaluator(_text, _named, output, functions).Run(_nodes, value);
        return output.ToString();
    }
}
