using Berth.Registry.Browsing;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Repositories;

/// <summary>Repositories as a list of cards.</summary>
internal static class RepositoryCards
{
    public static Markup List(IReadOnlyList<RepositorySummary> repositories, DateTimeOffset now, bool isWide = false) => Markup.Of($"""
        <ul class="repositories{(isWide ? " repositories-wide" : "")}">{repositories.Select(repository => Card(repository, now))}</ul>
        """);

    /// <summary>A repository's name with its owner set back.</summary>
    public static Markup Name(string name)
    {
        int slash = name.LastIndexOf('/');
        return slash < 0 ? Markup.Text(name) : Markup.Of($"""<span class="soft">{name[..(slash + 1)]}</span>{name[(slash + 1)..]}""");
    }

    private static Markup Card(RepositorySummary repository, DateTimeOffset now) => Markup.Of($"""
        <li class="repository" data-name="{repository.Name}">{PageFrame.Tile(repository.Name)}<div class="grow">
        <h3><a href="{Links.Repository(repository.Name)}">{Name(repository.Name)}</a>
        {Markup.When(repository.IsPrivate, $" <span class=\"badge badge-private\">private</span>")}</h3>
        {Markup.When(repository.Description.Length > 0, $"<p>{repository.Description}</p>")}
        <ul class="figures"><li>
        <b>{Figures.Count(repository.Pulls)}</b> {(repository.Pulls == 1 ? "pull" : "pulls")}</li>
        {Markup.When(repository.Stars > 0, $"<li><b>{Figures.Count(repository.Stars)}</b> {(repository.Stars == 1 ? "star"
            : "stars")}</li>")}<li>pushed {Figures.Moment(repository.PushedAt, now)}</li></ul>
        </div></li>
        """);
}
