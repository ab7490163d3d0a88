using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PullOnPostgreSqlAndS3Tests(ScaledHub hub) : PullGroup<ScaledHub>(hub);
