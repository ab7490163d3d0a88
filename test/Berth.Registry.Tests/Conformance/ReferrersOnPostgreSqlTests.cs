using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ReferrersOnPostgreSqlTests(PostgreSqlHub hub) : ReferrersGroup<PostgreSqlHub>(hub);
