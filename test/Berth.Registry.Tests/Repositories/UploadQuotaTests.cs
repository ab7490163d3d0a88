using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Repositories;

public sealed class UploadQuotaTests(EmbeddedHub hub) : UploadQuotaContract(hub), IClassFixture<EmbeddedHub>;

public sealed class UploadQuotaOnPostgreSqlTests(PostgreSqlHub hub) : UploadQuotaContract(hub), IClassFixture<PostgreSqlHub>;
