namespace Berth.Runtime.Monitors;

/// <summary>The <c>berth-runtime</c> program in a form that no container can write to (CVE-2019-5736).</summary>
internal interface IStageProgram
{
    /// <summary>A path to execute it by.</summary>
    string Executable { get; }
}
