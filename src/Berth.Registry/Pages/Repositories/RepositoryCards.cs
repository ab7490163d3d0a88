using Berth.Registry.Browsing;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Repositories;

/// <summary>Repositories as a list of cards.</summary>
internal static class RepositoryCards
{
    /// <summary>The cards.</summary>
    /// <param name="repositories">What they are of.</param>
    /// <param name="now">The moment that ages are told at.</param>
    /// <param name="isMain">True where they are what the page is about, right beneath its title; otherwise beneath a section's.</param>
    public static Markup List(IReadOnlyList<RepositorySummary> repositories, DateTimeOffset now, bool isMain = false) => Markup.Of($"""
        <ul class="repositories{(isMain ? " repositories-wide" : "")}">
        {repositories.Select(repository => Card(repository, now, isMain))}</ul>
        """);

    /// <summary>A repository's name with its owner set back.</summary>
    public static Markup Name(string name)
    {
        int slash = name.LastIndexOf('/');
        return slash < 0 ? Markup.Text(name) : Markup.Of($"""<span class="soft">{name[..(slash + 1)]}</span>{name[(slash + 1)..]}""");
    }

    private static Markup Card(RepositorySummary repository, DateTimeOffset now, bool isMain) => Markup.Of($"""
        <li class="repository" data-name="{repository.Name}">{PageFrame.Tile(repository.Name)}<div class="grow">
        {(isMain ? Markup.Of($"<h2>{Heading(repository)}</h2>") : Markup.Of($"<h3>{Heading(repository)}</h3>"))}
        {Markup.When(repository.Description.Length > 0, $"<p>{repository.Description}</p>")}
        <ul class="figures"><li>
        <b>{Figures.Count(repository.Pulls)}</b> {(repository.Pulls == 1 ? "pull" : "pulls")}</li>
        {Markup.When(repository.Stars > 0, $"<li><b>{Figures.Count(repository.Stars)}</b> {(repository.Stars == 1 ? "star"
            : "stars")}</li>")}<li>pushed {Figures.Moment(repository.PushedAt, now)}</li></ul>
        </div></li>
        """);

    private static Markup Heading(RepositorySummary repository) => Markup.Of($"""
        <a href="{Links.Repository(repository.Name)}">{Name(repository.Name)}</a>
        {Badges.Of(repository)}
        """);
}
