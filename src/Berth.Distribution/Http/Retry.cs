namespace Berth.Distribution;

/// <summary>Tries again what may succeed later.</summary>
internal static class Retry
{
    public static async Task<T> RunAsync<T>(
        RegistryContext context, Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        for (int number = 1; ; number++)
        {
            try
            {
                return await attempt();
            }
            catch (RegistryException exception) when (exception.IsTransient && number < context.Options.Attempts
                && !exception.IsUnreachable)
            {
                await WaitAsync(context, number, exception.RetryAfter, cancellationToken);
            }
        }
    }

    /// <summary>Waits before attempt <paramref name="number"/> + 1: doubling, with up to a quarter of chance in it.</summary>
    public static Task WaitAsync(RegistryContext context, int number, TimeSpan? asked, CancellationToken cancellationToken)
    {
        RegistryOptions options = context.Options;
        TimeSpan delay = options.RetryDelay * Math.Pow(2, Math.Min(number, 16) - 1);
#pragma warning disable CA5394 // Spreads clients over time; keeps no secret.
        delay *= 1 + (Random.Shared.NextDouble() / 4);
#pragma warning restore CA5394
        if (asked is { } wish && wish > delay)
            delay = wish;
        return Task.Delay(delay < options.RetryDelayMax ? delay : options.RetryDelayMax, context.Time, cancellationToken);
    }
}
