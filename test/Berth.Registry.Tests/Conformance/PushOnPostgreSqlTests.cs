using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PushOnPostgreSqlTests(PostgreSqlHub hub) : PushGroup<PostgreSqlHub>(hub);
