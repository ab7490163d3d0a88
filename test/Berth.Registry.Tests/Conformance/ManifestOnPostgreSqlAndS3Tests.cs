using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManifestOnPostgreSqlAndS3Tests(ScaledHub hub) : ManifestGroup<ScaledHub>(hub);
