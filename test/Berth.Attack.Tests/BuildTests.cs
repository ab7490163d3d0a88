namespace Berth.Attack.Tests;

/// <summary>3.4: Dockerfiles and contexts of strangers.</summary>
public sealed class BuildTests(AttackEngine engine)
{
    [Fact]
    public async Task D01_CacheMountSwappedInAParallelStep_StaysInside() // CVE-2024-23651, CVE-2024-9675
    {
        engine.Skip();
        string outside = engine.NewOutside();
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image} AS seed
            RUN mkdir -p /seed/t /seed/l && echo own > /seed/t/secret
            FROM {AttackEngine.Image} AS swapping
            RUN --mount=type=cache,target=/c,from=seed,source=/seed cd /c && rm -rf l && ln -s ../../../../../../../..{outside} l && (timeout 5 /attacker swap t l || true)
            FROM {AttackEngine.Image} AS using
            RUN --mount=type=cache,target=/c,from=seed,source=/seed sleep 1; for i in $(seq 200); do cat /c/t/secret; echo taken > /c/t/made; done; true
            FROM {AttackEngine.Image}
            COPY --from=swapping /bin/busybox /a
            COPY --from=using /bin/busybox /b
            """);
        Assert.True(build.Code == 0, build.All);
        Assert.DoesNotContain(AttackEngine.Marker, build.All);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
    }

    [Fact]
    public async Task D02_MountStubsReplacedByLinks_RemoveNothingOfTheHost() // CVE-2024-23652
    {
        engine.Skip();
        string outside = engine.NewOutside();
        File.WriteAllText($"{outside}/empty", "");
        Directory.CreateDirectory($"{outside}/emptydir");
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image}
            RUN --mount=type=cache,target=/a/b/emptydir --mount=type=secret,id=none,target=/a/b/empty mv /a /old; ln -s ../../../../../../../..{Path.GetDirectoryName(outside)} /a; true
            RUN --mount=type=tmpfs,target=/x/emptydir rm -rf /y; mkdir /y; ln -s {outside} /y/z; mv /x /w 2>/dev/null; true
            """);
        Assert.True(build.Code == 0, build.All);
        Assert.Equal(["empty", "emptydir", "secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("RUN --security=insecure sed -n 's/^CapEff:.//p' /proc/self/status && id")]
    [InlineData("RUN --network=host cat /proc/net/unix")]
    [InlineData("# syntax=docker/dockerfile:1-labs\nRUN --security=insecure id")]
    public async Task D03_MoreRightsInAStep_NeedAnEntitlement(string run) // CVE-2024-23653, GHSA-7236-3392-c5c6
    {
        engine.Skip();
        string[] lines = run.Split('\n');
        Completed build = await BuildAsync(lines.Length == 1 ? $"FROM {AttackEngine.Image}\n{run}\n" : $"{lines[0]}\nFROM {AttackEngine.Image}\n{lines[1]}\n");
        Assert.NotEqual(0, build.Code);
    }

    [Fact]
    public async Task D03_StepsOfABuild_AreConfinedAsContainersAre()
    {
        engine.Skip();
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image}
            RUN echo "caps $(sed -n 's/^CapEff:.//p' /proc/self/status)"; /attacker writable /proc/sys /sys; /attacker calls | grep -vE ' (1|38)$'; /attacker fds
            """);
        Assert.True(build.Code == 0, build.All);
        Assert.Contains("caps 00000000a80425fb", build.All);
        Assert.DoesNotContain("\n/proc/", build.All);
        Assert.DoesNotContain("\n/sys/", build.All);
    }

    [Theory]
    [InlineData("/out")]
    [InlineData("/climbing")]
    [InlineData("/climbing/../..")]
    [InlineData("../../../../../../../../etc")]
    public async Task D05_SourceOfABindFromAStage_StaysInTheStage(string source) // CVE-2024-1753, CVE-2024-11218
    {
        engine.Skip();
        string outside = engine.NewOutside();
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image} AS evil
            RUN ln -s {outside} /out && ln -s ../../../../../../../..{outside} /climbing
            FROM {AttackEngine.Image}
            RUN --mount=type=bind,from=evil,source={source},target=/m,rw cat /m/secret /m/shadow 2>/dev/null; echo kept > /m/kept; ls /m; true
            """);
        Assert.DoesNotContain(AttackEngine.Marker, build.All);
        Assert.DoesNotContain("root:", build.All);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
    }

    [Fact]
    public async Task D05_PropagationAsAnOption_IsRefused() // CVE-2024-9407
    {
        engine.Skip();
        Completed build = await BuildAsync($"FROM {AttackEngine.Image}\nRUN --mount=type=bind,target=/m,bind-propagation=shared true\n");
        Assert.NotEqual(0, build.Code);
    }

    [Fact]
    public async Task D06_IdsOfCacheMounts_AreNamesNotPaths() // CVE-2026-33747
    {
        engine.Skip();
        string marker = engine.NewName("berth-attack-d06-");
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image}
            RUN --mount=type=cache,id=../../../../../../../../{marker},target=/c echo x > /c/file
            RUN --mount=type=cache,id=/{marker},target=/c echo x > /c/file
            """);
        Assert.True(build.Code == 0, build.All);
        Assert.False(Path.Exists($"/{marker}"));
        Assert.False(Path.Exists($"{engine.DataRoot}/{marker}"));
    }

    [Fact]
    public async Task D08_PulledImage_IsNoCacheForAStep() // CVE-2024-24557
    {
        engine.Skip();
        // An image that claims, in its history, to be the outcome of the very instruction.
        string forged = $"{engine.NewName("forged")}:1";
        await engine.ImportAsync(forged, tree => File.WriteAllText($"{tree}/out", "forged\n"), "CMD sh");
        Completed commit = await BuildAsync($"FROM {AttackEngine.Image}\nRUN echo honest > /out\nRUN cat /out\n");
        Assert.Contains("honest", commit.All);
        Completed with = await BuildAsync($"FROM {AttackEngine.Image}\nRUN echo honest > /out\nRUN echo says $(cat /out)\n", "--cache-from", forged);
        Assert.DoesNotContain("says forged", with.All);
        await engine.DoAsync("rmi", forged);
    }

    [Fact]
    public async Task D10_LinksAndPipesOfTheContext_LeadNowhere()
    {
        engine.Skip();
        string outside = engine.NewOutside();
        Completed build = await BuildAsync($"""
            FROM {AttackEngine.Image}
            COPY link /copied
            RUN cat /copied
            """, write: directory => File.CreateSymbolicLink($"{directory}/link", $"{outside}/secret"));
        Assert.DoesNotContain(AttackEngine.Marker, build.All);
        Completed ignoring = await BuildAsync($"FROM {AttackEngine.Image}\nCOPY . /all\n", write: directory =>
        {
            File.WriteAllText($"{directory}/.dockerignore", string.Concat(Enumerable.Repeat("*a*a*a*a*a*a*a*a*a*a*a*b\n", 50)));
            File.WriteAllText($"{directory}/{new string('a', 200)}", "x");
        });
        Assert.True(ignoring.Code == 0, ignoring.All);
    }

    [Fact]
    public async Task D03_HostsNetwork_IsGivenByWhoBuildsAlone()
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        Completed build = await BuildAsync($"FROM {AttackEngine.Image}\nRUN --network=host echo granted\n", "--network", "host");
        Assert.True(build.Code == 0, build.All);
    }

    private Task<Completed> BuildAsync(string dockerfile, params string[] options) => BuildAsync(dockerfile, static directory => { }, options);

    private async Task<Completed> BuildAsync(string dockerfile, Action<string> write, params string[] options)
    {
        string directory = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("context")}").FullName;
        File.WriteAllText($"{directory}/Dockerfile", dockerfile);
        write(directory);
        try
        {
            return await engine.BerthAsync(["build", "--progress", "plain", .. options, directory]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
