namespace Berth.Registry.Database;

/// <summary>Stands for all that readers can see: two equal marks mean that nothing was changed between them, by any process.</summary>
/// <remarks>What was read after a mark was taken is still true while a new mark is equal to it.</remarks>
public readonly record struct DatabaseMark(long Number, string? Text);
