using System.Globalization;
using System.Text;

namespace Berth.Registry.Operation.Metrics;

/// <summary>Numbers in the text form that Prometheus reads.</summary>
/// <remarks>https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.</remarks>
internal sealed class MetricsText
{
    /// <summary>Its content type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    public MetricsText Head(string name, string type, string help)
    {
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        return this;
    }

    public MetricsText Value(string name, string labels, double value)
    {
        _text.Append(CultureInfo.InvariantCulture, $"{name}{(labels.Length > 0 ? "{" + labels + "}" : "")} {value:R}\n");
        return this;
    }

    public MetricsText One(string name, string type, string help, double value) => Head(name, type, help).Value(name, "", value);

    public override string ToString() => _text.ToString();
}
