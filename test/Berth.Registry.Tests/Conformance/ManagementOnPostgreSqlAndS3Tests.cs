using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManagementOnPostgreSqlAndS3Tests(ScaledHub hub) : ManagementGroup<ScaledHub>(hub);
