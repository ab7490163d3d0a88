using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Frame;

/// <summary>What a page shows inside the frame that all share.</summary>
internal sealed record PageView
{
    /// <summary>The document's title; the hub's name follows it.</summary>
    public required string Title { get; init; }

    /// <summary>The content of <c>main</c>.</summary>
    public required Markup Body { get; init; }

    /// <summary>What stands in the search field.</summary>
    public string Search { get; init; } = "";

    /// <summary>The answer's status.</summary>
    public int Status { get; init; } = 200;

    /// <summary>True for a page that has a large search field of its own.</summary>
    public bool HidesSearch { get; init; }
}
