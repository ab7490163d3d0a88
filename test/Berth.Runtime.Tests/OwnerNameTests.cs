using Berth.Runtime.Bundles;

namespace Berth.Runtime.Tests;

/// <summary>Names of users from the file alone.</summary>
public sealed class OwnerNameTests
{
    [Theory]
    [InlineData(0u, "root")]
    [InlineData(7u, "seven")]
    [InlineData(8u, "#8")]
    public async Task Name_IsThatOfTheFile(uint user, string name)
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "root:x:0:0::/:/bin/sh\n:x:8:8\nbroken\nseven:x:7:7::/:/bin/sh\n", TestContext.Current.CancellationToken);
        Assert.Equal(name, OwnerName.Of(user, file));
        File.Delete(file);
    }

    [Fact]
    public void Name_WithoutTheFile_IsTheNumber() => Assert.Equal("#5", OwnerName.Of(5, "/not/there"));
}
