using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PullOnPostgreSqlTests(PostgreSqlHub hub) : PullGroup<PostgreSqlHub>(hub);
