using Berth.Registry.Browsing;
using Microsoft.Data.Sqlite;

namespace Berth.Registry.Tests.Browsing;

public sealed class PullClassTests
{
    [Fact]
    public void Class_InSql_IsThatOfTheProgram()
    {
        using SqliteConnection database = new("Data Source=:memory:");
        database.Open();
        using SqliteCommand command = database.CreateCommand();
        command.CommandText = $"select {PullClass.Sql("$pulls")}";
        SqliteParameter pulls = command.Parameters.Add("$pulls", SqliteType.Integer);
        int last = -1;
        foreach (long count in Enumerable.Range(0, 3000).Select(n => (long)n).Concat(Enumerable.Range(12, 50).Select(power => 1L << power)))
        {
            pulls.Value = count;
            int number = PullClass.Of(count);
            Assert.Equal((long)number, command.ExecuteScalar());
            Assert.True(number >= last, $"{count} pulls are in class {number} after {last}");
            last = number;
        }
        Assert.Equal(0, PullClass.Of(-1));
        Assert.True(PullClass.Of(1000) > PullClass.Of(800));
    }
}
