using Berth.Linux.Processes;
using Berth.Runtime;
using Berth.Runtime.Confinement;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>Sees to it that the kernel has the profile that containers get which name none, and says which that is. Given to the kernel
/// once for an engine, so that an engine of a later version brings its own; again whenever somebody has taken it away.</summary>
/// <param name="loader">Gives it to the kernel.</param>
/// <param name="isOffered">Whether this engine confines at all: the machine's root, on a kernel with AppArmor.</param>
/// <param name="logger">Takes the reason why containers are not confined.</param>
/// <param name="time">Says when a failed attempt is made again.</param>
internal sealed partial class DefaultConfinement(ProfileLoader loader, bool isOffered, ILogger logger, TimeProvider time)
{
    // A compiler that fails takes its time: not every container is to wait for it.
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private bool _isLoaded; // Guarded by _gate.
    private string? _problem; // Guarded by _gate.
    private long _failedAt; // Guarded by _gate.

    /// <summary>The one of this machine.</summary>
    public static DefaultConfinement OfHost(ILogger logger, TimeProvider time) =>
        new(new ProfileLoader(), AppArmor.IsEnabled && UserNamespace.IsMachinesRoot, logger, time);

    /// <summary>The profile's name, when the kernel has it; null: containers are not confined.</summary>
    public string? Ensure()
    {
        if (!isOffered)
            return null;
        lock (_gate)
        {
            if (_isLoaded && loader.IsLoaded(DefaultProfile.Name))
                return DefaultProfile.Name;
            if (_problem is not null && time.GetElapsedTime(_failedAt) < Pause)
                return null;
            string? problem = loader.Load(DefaultProfile.Text(AppArmor.ProfileOf("self")));
            // Another engine's, or one that the host's service manager has loaded, does as well.
            _isLoaded = problem is null || loader.IsLoaded(DefaultProfile.Name);
            if (!_isLoaded && problem != _problem)
                Log.NotConfined(logger, problem!);
            _problem = _isLoaded ? null : problem;
            _failedAt = time.GetTimestamp();
            return _isLoaded ? DefaultProfile.Name : null;
        }
    }

    /// <summary>Why containers are not confined, for <c>info</c>; null: they are, or this kernel could not.</summary>
    public string? Warning => isOffered && Ensure() is null
        ? $"AppArmor confines no container that names no profile: {Problem}" : null;

    private string? Problem
    {
        get
        {
            lock (_gate)
                return _problem;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "containers that name no AppArmor profile are not confined by one: {Problem}")]
        public static partial void NotConfined(ILogger logger, string problem);
    }
}
