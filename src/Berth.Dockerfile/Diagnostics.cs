using System.Collections;

namespace Berth.Dockerfile;

/// <summary>Collects everything found wrong in one Dockerfile, so that an author learns of all mistakes at once.</summary>
public sealed class Diagnostics : IReadOnlyList<Diagnostic>
{
    /// <summary>How many are kept; a hostile text has no more than this to say.</summary>
    public const int CountMax = 200;

    private readonly List<Diagnostic> _items = [];

    /// <summary>True when something stops the build.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>The ones that stop the build, in order of the text.</summary>
    public IEnumerable<Diagnostic> Errors => _items.Where(item => item.Severity == Severity.Error);

    /// <summary>The ones that do not.</summary>
    public IEnumerable<Diagnostic> Warnings => _items.Where(item => item.Severity == Severity.Warning);

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public Diagnostic this[int index] => _items[index];

    /// <summary>Notes a mistake and returns the default, so that a parser can return it.</summary>
    public T? Error<T>(SourceRange range, string message) where T : class
    {
        Add(new Diagnostic(Severity.Error, range, message));
        return null;
    }

    /// <summary>Notes a mistake.</summary>
    public void Error(SourceRange range, string message) => Add(new Diagnostic(Severity.Error, range, message));

    /// <summary>Notes a finding of a lint rule.</summary>
    public void Warn(SourceRange range, string rule, string message) =>
        Add(new Diagnostic(Severity.Warning, range, message, rule));

    /// <summary>Notes a diagnostic made elsewhere; beyond <see cref="CountMax"/> only an error's existence is kept.</summary>
    public void Add(Diagnostic diagnostic)
    {
        HasErrors |= diagnostic.Severity == Severity.Error;
        if (_items.Count < CountMax)
            _items.Add(diagnostic);
    }

    /// <inheritdoc/>
    public IEnumerator<Diagnostic> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Replace(IEnumerable<Diagnostic> items)
    {
        List<Diagnostic> sorted = [.. items.OrderBy(item => item.Range.StartLine)];
        _items.Clear();
        HasErrors = false;
        sorted.ForEach(Add);
    }
}
