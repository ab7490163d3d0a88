namespace System.Runtime;

/// <summary>Names a method for the linker. The compiler knows it by its full name; the framework keeps its own copy internal.</summary>
/// <param name="entry">The symbol.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RuntimeExportAttribute(string entry) : Attribute
{
    /// <summary>The symbol.</summary>
    public string EntryPoint { get; } = entry;
}
