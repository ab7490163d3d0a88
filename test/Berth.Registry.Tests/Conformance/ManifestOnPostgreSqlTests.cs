using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManifestOnPostgreSqlTests(PostgreSqlHub hub) : ManifestGroup<PostgreSqlHub>(hub);
