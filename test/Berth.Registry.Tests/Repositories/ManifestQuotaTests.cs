using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Repositories;

public sealed class ManifestQuotaTests(EmbeddedHub hub) : ManifestQuotaContract(hub), IClassFixture<EmbeddedHub>;

public sealed class ManifestQuotaOnPostgreSqlTests(PostgreSqlHub hub) : ManifestQuotaContract(hub), IClassFixture<PostgreSqlHub>;
