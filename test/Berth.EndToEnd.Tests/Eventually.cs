namespace Berth.EndToEnd.Tests;

/// <summary>Waits for what becomes true by itself.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    /// <summary>Removes a directory in which something that is just ending may still write, or have a mount.</summary>
    public static Task GoneAsync(string directory) => HoldsAsync(() =>
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            return Task.FromResult(true);
        }
        catch (IOException)
        {
            return Task.FromResult(!Directory.Exists(directory));
        }
    });

    /// <summary>Asks again and again until it holds.</summary>
    /// <exception cref="TimeoutException">It does not.</exception>
    public static async Task HoldsAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (!await condition())
        {
            if (patience.IsCancellationRequested)
                throw new TimeoutException($"it did not come to hold in {s_patience}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
    }
}
