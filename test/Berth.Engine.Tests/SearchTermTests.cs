using Berth.Faults;

namespace Berth.Engine.Tests;

public sealed class SearchTermTests
{
    [Theory]
    [InlineData("nginx", "docker.io", "nginx")]
    [InlineData("library/nginx", "docker.io", "nginx")]
    [InlineData("alice/nginx", "docker.io", "alice/nginx")]
    [InlineData("docker.io/nginx", "docker.io", "nginx")]
    [InlineData("localhost/nginx", "localhost", "nginx")]
    [InlineData("localhost:5000/alice/nginx", "localhost:5000", "alice/nginx")]
    [InlineData("hub.example.org/nginx", "hub.example.org", "nginx")]
    [InlineData("hub.example.org/", "hub.example.org", "")]
    public void Term_SaysWhereToSearch(string text, string registry, string words) =>
        Assert.Equal(new SearchTerm(registry, words), SearchTerm.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("https://hub.example.org/nginx")]
    public void Term_ThatIsNone_IsRefused(string text) => Assert.Throws<FaultException>(() => SearchTerm.Parse(text));
}
