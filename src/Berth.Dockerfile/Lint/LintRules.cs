using Berth.Dockerfile.Instructions;

namespace Berth.Dockerfile.Lint;

/// <summary>The lint rules that look at more than one instruction, and the <c>check</c> directive.</summary>
/// <remarks>Docker build checks reference; the names and texts are its own.</remarks>
internal static class LintRules
{
    private static readonly string[] s_secretWords =
        ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

    private static readonly string[] s_platformArgs =
    [
        "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT",
        "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "TARGETSTAGE",
    ];

    public static void Apply(ParsedDockerfile file)
    {
        Diagnostics diagnostics = file.Diagnostics;
        CheckCasing(file, diagnostics);
        CheckStageNames(file, diagnostics);
        CheckFroms(file, diagnostics);
        foreach (Stage stage in file.Stages)
        {
            CheckOnlyOnce(stage, diagnostics);
            CheckWorkdir(stage, diagnostics);
            CheckSecrets(stage.Instructions, diagnostics);
        }
        CheckSecrets(file.GlobalArgs, diagnostics);
        ApplyDirective(file.Directives, diagnostics);
    }

    private static void CheckCasing(ParsedDockerfile file, Diagnostics diagnostics)
    {
        List<Instruction> all = [.. file.GlobalArgs, .. file.Stages.SelectMany(stage => stage.Instructions.Prepend(stage.From))];
        int upper = all.Count(item => item.Origin.Keyword == item.Name);
        int lower = all.Count(item => !item.Origin.Keyword.Any(char.IsUpper));
        bool wantUpper = upper >= lower;
        foreach (Instruction item in all)
        {
            string keyword = item.Origin.Keyword;
            if (keyword != (wantUpper ? item.Name : item.Name.ToLowerInvariant()))
                diagnostics.Warn(item.Range, "ConsistentInstructionCasing",
                    $"Command '{keyword}' should match the case of the command majority ({(wantUpper ? "uppercase" : "lowercase")})");
        }
    }

    private static void CheckStageNames(ParsedDockerfile file, Diagnostics diagnostics)
    {
        HashSet<string> names = [];
        foreach (Stage stage in file.Stages.Where(stage => stage.Name is not null && !names.Add(stage.Name)))
            diagnostics.Warn(stage.From.Range, "DuplicateStageName",
                $"Duplicate stage name \"{stage.Name}\", stage names should be unique");
    }

    private static void CheckFroms(ParsedDockerfile file, Diagnostics diagnostics)
    {
        HashSet<string> declared = [.. file.GlobalArgs.SelectMany(arg => arg.Arguments).Select(arg => arg.Name), .. s_platformArgs];
        foreach (FromInstruction from in file.Stages.Select(stage => stage.From))
        {
            foreach (string name in VariableNames.Of(from.Image + " " + from.Platform).Where(name => !declared.Contains(name)))
                diagnostics.Warn(from.Range, "UndefinedArgInFrom",
                    $"FROM argument '{name}' is not declared{Spelling.Suggest(name, declared)}");
            if (from.Platform is "$TARGETPLATFORM" or "${TARGETPLATFORM}")
                diagnostics.Warn(from.Range, "RedundantTargetPlatform",
                    $"Setting platform to predefined {from.Platform} in FROM is redundant as this is the default behavior");
            else if (from.Platform is { } platform && !platform.Contains('$'))
                diagnostics.Warn(from.Range, "FromPlatformFlagConstDisallowed",
                    $"FROM --platform flag should not use constant value \"{platform}\"");
        }
    }

    private static void CheckOnlyOnce(Stage stage, Diagnostics diagnostics)
    {
        foreach (IGrouping<string, Instruction> group in stage.Instructions
            .Where(item => item is CmdInstruction or EntrypointInstruction or HealthcheckInstruction).GroupBy(item => item.Name))
        {
            // All but the last are without effect.
            foreach (Instruction item in group.SkipLast(1))
                diagnostics.Warn(item.Range, "MultipleInstructionsDisallowed",
                    $"Multiple {group.Key} instructions should not be used in the same stage because only the last one will be used");
        }
    }

    private static void CheckWorkdir(Stage stage, Diagnostics diagnostics)
    {
        bool absolute = false;
        foreach (WorkdirInstruction workdir in stage.Instructions.OfType<WorkdirInstruction>())
        {
            char first = workdir.Path.TrimStart('"', '\'').FirstOrDefault();
            if (first is '/' or '$')
                absolute = true;
            else if (!absolute)
                diagnostics.Warn(workdir.Range, "WorkdirRelativePath",
                    $"Relative workdir \"{workdir.Path}\" can have unexpected results if the base image changes");
        }
    }

    private static void CheckSecrets(IEnumerable<Instruction> instructions, Diagnostics diagnostics)
    {
        foreach (Instruction item in instructions)
        {
            IEnumerable<string> names = item switch
            {
                ArgInstruction arg => arg.Arguments.Select(argument => argument.Name),
                EnvInstruction env => env.Variables.Select(variable => variable.Name),
                _ => [],
            };
            foreach (string name in names.Where(LooksSecret))
                diagnostics.Warn(item.Range, "SecretsUsedInArgOrEnv",
                    $"Do not use ARG or ENV instructions for sensitive data ({item.Name} \"{name}\")");
        }
    }

    private static bool LooksSecret(string name) => !name.Contains("public", StringComparison.OrdinalIgnoreCase)
        && name.Split('_', '-').Any(part => s_secretWords.Contains(part.ToLowerInvariant()));

    private static void ApplyDirective(Directives directives, Diagnostics diagnostics)
    {
        bool skipAll = directives.SkippedChecks.Contains("all", StringComparer.OrdinalIgnoreCase);
        IEnumerable<Diagnostic> kept = diagnostics.Where(item => item.Rule is null
            || !(skipAll || directives.SkippedChecks.Contains(item.Rule, StringComparer.OrdinalIgnoreCase)));
        if (directives.ChecksAreErrors)
            kept = kept.Select(item => item with { Severity = Severity.Error });
        diagnostics.Replace([.. kept]);
    }
}
