using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManagementOnPostgreSqlTests(PostgreSqlHub hub) : ManagementGroup<PostgreSqlHub>(hub);
