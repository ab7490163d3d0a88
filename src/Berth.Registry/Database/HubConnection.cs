using System.Data.Common;

namespace Berth.Registry.Database;

/// <summary>A connection with the commands that were prepared on it. Used by one transaction at a time.</summary>
internal sealed class HubConnection(DbConnection connection, bool keepsCommands) : IAsyncDisposable
{
    // Statements are written in the source, so there are few; lists of different lengths make some more.
    private const int CommandsMax = 256;

    private readonly Dictionary<string, DbCommand> _commands = [];

    public DbConnection Connection { get; } = connection;

    /// <summary>The command for a statement, with its values; the next call may give the same one.</summary>
    public DbCommand Command(SqlText sql, DbTransaction? transaction)
    {
        string text = sql.Text;
        if (!_commands.TryGetValue(text, out DbCommand? command))
        {
            command = Connection.CreateCommand();
            command.CommandText = text;
            if (keepsCommands)
                Keep(text, command);
        }
        command.Transaction = transaction;
        sql.Fill(command);
        return command;
    }

    public async ValueTask DisposeAsync()
    {
        Forget();
        await Connection.DisposeAsync().ConfigureAwait(false);
    }

    private void Keep(string text, DbCommand command)
    {
        if (_commands.Count >= CommandsMax)
            Forget();
        _commands.Add(text, command);
    }

    private void Forget()
    {
        foreach (DbCommand command in _commands.Values)
            command.Dispose();
        _commands.Clear();
    }
}
