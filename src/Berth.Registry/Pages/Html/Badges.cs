using Berth.Registry.Browsing;

namespace Berth.Registry.Pages.Html;

/// <summary>What is said of a repository beside its name: in words, the colour is but an addition.</summary>
internal static class Badges
{
    /// <summary>A repository that the administrators stand for.</summary>
    public static Markup Official { get; } = Markup.Of($"""<span class="badge badge-sea">official</span>""");

    /// <summary>A verified publisher.</summary>
    public static Markup Verified { get; } = Markup.Of($"""<span class="badge badge-good">verified publisher</span>""");

    /// <summary>All that a repository has, each with a space before it.</summary>
    public static Markup Of(RepositorySummary repository) => Markup.Of($"""
        {Markup.When(repository.IsOfficial, $" {Official}")}{Markup.When(repository.IsVerified, $" {Verified}")}
        {Markup.When(repository.IsPrivate, $" <span class=\"badge badge-private\">private</span>")}
        """);
}
