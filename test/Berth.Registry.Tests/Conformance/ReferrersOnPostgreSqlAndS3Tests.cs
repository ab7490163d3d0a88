using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ReferrersOnPostgreSqlAndS3Tests(ScaledHub hub) : ReferrersGroup<ScaledHub>(hub);
