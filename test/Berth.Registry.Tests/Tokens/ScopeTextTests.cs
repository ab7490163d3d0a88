using Berth.Registry.Model;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Tokens;

public sealed class ScopeTextTests
{
    [Theory]
    [InlineData("repository:alice/app:pull", "alice/app", RepositoryAccess.Pull)]
    [InlineData("repository:alice/app:pull,push", "alice/app", RepositoryAccess.Pull | RepositoryAccess.Push)]
    [InlineData("repository:alice/app:push,pull,push", "alice/app", RepositoryAccess.Pull | RepositoryAccess.Push)]
    [InlineData("repository(plugin):alice/app:pull", "alice/app", RepositoryAccess.Pull)]
    [InlineData("repository:alice/app:*", "alice/app", RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete)]
    [InlineData("repository:host.example:5000/app:delete", "host.example:5000/app", RepositoryAccess.Delete)]
    [InlineData("repository:alice/app:", "alice/app", RepositoryAccess.None)]
    [InlineData("repository:alice/app:fly", "alice/app", RepositoryAccess.None)]
    public void Scope_OfTheGrammar_IsRead(string text, string name, RepositoryAccess access)
    {
        Assert.True(ScopeText.TryParse([text], out IReadOnlyList<RequestedScope> scopes));
        RequestedScope scope = Assert.Single(scopes);
        Assert.Equal(("repository", name, access), (scope.Type, scope.Name, scope.Access));
    }

    [Fact]
    public void Scopes_InOneParameterOrSeveral_AreTheSame()
    {
        Assert.True(ScopeText.TryParse(["repository:a/b:pull repository:c/d:push"], out IReadOnlyList<RequestedScope> one));
        Assert.True(ScopeText.TryParse(["repository:a/b:pull", "", "repository:c/d:push"], out IReadOnlyList<RequestedScope> several));
        Assert.Equal(["a/b", "c/d"], one.Select(scope => scope.Name));
        Assert.Equal(one.Select(scope => scope.Name), several.Select(scope => scope.Name));
    }

    [Theory]
    [InlineData("repository")]
    [InlineData("repository:alice/app")]
    [InlineData(":alice:pull")]
    [InlineData("repository::pull")]
    [InlineData("repo sitory:a:pull")]
    [InlineData("REPOSITORY:a:pull")]
    [InlineData("repository:a:pull;push")]
    [InlineData("()repository:a:pull")]
    public void Scope_OutsideTheGrammar_IsRefused(string text) => Assert.False(ScopeText.TryParse([text], out _));

    [Fact]
    public void Scopes_TooManyOrTooLong_AreRefused()
    {
        Assert.False(ScopeText.TryParse([string.Join(' ', Enumerable.Repeat("repository:a:pull", ScopeText.ScopesMax + 1))], out _));
        Assert.False(ScopeText.TryParse([$"repository:{new string('a', ScopeText.LengthMax)}:pull"], out _));
        Assert.True(ScopeText.TryParse([$"repository:a:{string.Concat(Enumerable.Range(0, 26).Select(i => (char)('a' + i) + ","))}"], out var scopes));
        Assert.True(scopes[0].Actions.Count <= 16);
    }

    [Theory]
    [InlineData("alice/app:pull", "alice/app", RepositoryAccess.Pull)]
    [InlineData("alice/*:push", "alice/*", RepositoryAccess.Pull | RepositoryAccess.Push)]
    [InlineData("*:pull,delete,administer", "*", RepositoryAccess.Pull | RepositoryAccess.Delete | RepositoryAccess.Administer)]
    public void TokenScope_IsReadAndWritten(string text, string pattern, RepositoryAccess access)
    {
        TokenScope scope = TokenScopes.ParseOne(text);
        Assert.Equal(new TokenScope(pattern, access), scope);
        Assert.Equal(scope, Assert.Single(TokenScopes.Parse([TokenScopes.Format([scope])])));
    }

    [Theory]
    [InlineData("alice/app")]
    [InlineData("alice/app:")]
    [InlineData(":pull")]
    [InlineData("al*:pull")]
    [InlineData("*/app:pull")]
    [InlineData("alice/*/x:pull")]
    [InlineData("alice/../bob:pull")]
    [InlineData("alice/app:pull,fly")]
    public void TokenScope_OfAnotherForm_IsRefused(string text) =>
        Assert.Throws<Berth.Faults.FaultException>(() => TokenScopes.ParseOne(text));

    [Theory]
    [InlineData("alice/*", "alice/app", true)]
    [InlineData("alice/*", "alice/deep/app", true)]
    [InlineData("alice/*", "alicex/app", false)]
    [InlineData("alice/*", "alice", false)]
    [InlineData("alice/app", "alice/app", true)]
    [InlineData("alice/app", "alice/app2", false)]
    [InlineData("*", "anything", true)]
    public void Pattern_MeansWholeComponents(string pattern, string repository, bool matches) =>
        Assert.Equal(matches, TokenScopes.Matches(pattern, repository));
}
