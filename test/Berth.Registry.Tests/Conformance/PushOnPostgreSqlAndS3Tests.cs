using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PushOnPostgreSqlAndS3Tests(ScaledHub hub) : PushGroup<ScaledHub>(hub);
