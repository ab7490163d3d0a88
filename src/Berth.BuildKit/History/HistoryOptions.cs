namespace Berth.BuildKit.History;

/// <summary>Where records of builds are kept.</summary>
/// <param name="Directory">A directory of its own, made when the first record is.</param>
/// <param name="Warn">Is told what could not be kept; no build fails for it.</param>
public sealed record HistoryOptions(string Directory, Action<string> Warn);
