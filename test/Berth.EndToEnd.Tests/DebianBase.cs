namespace Berth.EndToEnd.Tests;

/// <summary>The image <c>debian:bookworm</c>, made once by <c>berth image bootstrap</c> from the distribution's signed packages.</summary>
internal static class DebianBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);
    private static readonly Lock s_gate = new();
    private static Task<Completed>? s_made; // Guarded by s_gate.

    /// <summary>Makes it, or waits for whoever makes it.</summary>
    public static async Task NeedAsync(EngineFixture engine)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/mmdebstrap"), "mmdebstrap is not installed");
        Task<Completed> made;
        lock (s_gate)
        {
            made = s_made ??= Program.RunAsync(
                EngineFixture.Berth, ["image", "bootstrap", "debian:bookworm"], engine.Address, patienceFor: s_patience);
        }
        Completed bootstrap = await made;
        Assert.True(bootstrap.Code == 0, bootstrap.Output + bootstrap.Errors);
    }
}
