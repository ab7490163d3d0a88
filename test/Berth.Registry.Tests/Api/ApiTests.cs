using Berth.Registry.Tests.Pages;

namespace Berth.Registry.Tests.Api;

public sealed class ApiTests(PagesHub hub) : ApiContract(hub), IClassFixture<PagesHub>;

public sealed class ApiOnPostgreSqlTests(PostgreSqlPagesHub hub) : ApiContract(hub), IClassFixture<PostgreSqlPagesHub>;
