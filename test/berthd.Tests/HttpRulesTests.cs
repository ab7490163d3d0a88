using Berth.Daemon.Endpoints;
using Berth.Daemon.Endpoints.Builds;
using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Berth.Daemon.Tests;

public sealed class HttpRulesTests
{
    [Theory]
    [InlineData(FaultKind.InvalidArgument, 400)]
    [InlineData(FaultKind.Unauthorized, 401)]
    [InlineData(FaultKind.Forbidden, 403)]
    [InlineData(FaultKind.NotFound, 404)]
    [InlineData(FaultKind.Conflict, 409)]
    [InlineData(FaultKind.Cancelled, 499)]
    [InlineData(FaultKind.Internal, 500)]
    [InlineData(FaultKind.NotSupported, 501)]
    [InlineData(FaultKind.Unavailable, 503)]
    public void FaultKind_EachRow_HasItsStatus(FaultKind kind, int status) => Assert.Equal(status, kind.HttpStatus);

    [Fact]
    public void FaultKind_All_AreMapped() =>
        Assert.All(Enum.GetValues<FaultKind>(), kind => Assert.InRange(kind.HttpStatus, 400, 599));

    [Theory]
    [InlineData("GET", "/containers/json", "/containers/json", null)]
    [InlineData("GET", "/containers/abc/json", "/containers/{id*}/json", "abc")]
    [InlineData("DELETE", "/containers/abc", "/containers/{id*}", "abc")]
    [InlineData("DELETE", "/containers/web/db", "/containers/{id*}", "web/db")]
    [InlineData("DELETE", "/containers/x/checkpoints/y", "/containers/{id}/checkpoints/{checkpoint}", "x")]
    [InlineData("GET", "/images/json", "/images/json", null)]
    [InlineData("GET", "/images/get", "/images/get", null)]
    [InlineData("GET", "/images/a/get", "/images/{name*}/get", "a")]
    [InlineData("GET", "/images/host:5000/team/app:v1/json", "/images/{name*}/json", "host:5000/team/app:v1")]
    [InlineData("GET", "/images/team%2Fapp/history", "/images/{name*}/history", "team/app")]
    [InlineData("DELETE", "/images/team/app", "/images/{name*}", "team/app")]
    [InlineData("POST", "/images/create", "/images/create", null)]
    [InlineData("GET", "/images/json/json", "/images/{name*}/json", "json")]
    [InlineData("HEAD", "/_ping", "/_ping", null)]
    [InlineData("GET", "/distribution/a/b/json", "/distribution/{name*}/json", "a/b")]
    [InlineData("POST", "/swarm/init", "/swarm/{rest*}", "init")]
    [InlineData("GET", "/services", "/services", null)]
    [InlineData("PUT", "/containers/x/archive", "/containers/{id}/archive", "x")]
    public void Router_KnownPaths_FindTheirEndpoint(string method, string path, string pattern, string? value)
    {
        var found = new Router(EndpointTable.All).Find(method, path, Wire.ApiVersion.Newest);
        Assert.Equal(pattern, found?.Endpoint.Pattern);
        Assert.Equal(value, found?.Values.FirstOrDefault());
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/containers")]
    [InlineData("GET", "/containers//json")]
    [InlineData("GET", "/containers/a/b/logs")]
    [InlineData("POST", "/_ping")]
    [InlineData("GET", "/images//json")]
    [InlineData("GET", "/nothing")]
    [InlineData("BREW", "/version")]
    public void Router_OtherPaths_FindNothing(string method, string path) =>
        Assert.Null(new Router(EndpointTable.All).Find(method, path, Wire.ApiVersion.Newest));

    [Fact]
    public void EndpointTable_MethodAndPattern_AreUnique() =>
        Assert.Equal(
            EndpointTable.All.Count, EndpointTable.All.Select(endpoint => (endpoint.Method, endpoint.Pattern)).Distinct().Count());

    [Theory]
    [InlineData("/v1.50/info", "1.50", "/info")]
    [InlineData("/v1.24/info", "1.24", "/info")]
    [InlineData("/info", "1.50", "/info")]
    [InlineData("/version", "1.50", "/version")]
    [InlineData("/volumes", "1.50", "/volumes")]
    [InlineData("/v1.30", "1.30", "/")]
    public void Path_Version_IsTakenOff(string path, string version, string rest)
    {
        Assert.Equal(version, ApiPath.TakeVersion(ref path).ToString());
        Assert.Equal(rest, path);
    }

    [Theory]
    [InlineData(
        "/v1.10/info",
        "client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version")]
    [InlineData("/v1.99/info", "client version 1.99 is too new. Maximum supported API version is 1.50")]
    [InlineData("/v2.0/info", "client version 2.0 is too new. Maximum supported API version is 1.50")]
    public void Path_VersionOutOfRange_IsRefusedInDockersWords(string path, string message) =>
        Assert.Equal(message, Assert.Throws<FaultException>(() => ApiPath.TakeVersion(ref path)).Message);

    [Theory]
    [InlineData("1", true)]
    [InlineData("True", true)]
    [InlineData("yes", true)]
    [InlineData("", false)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData("False", false)]
    [InlineData("none", false)]
    public void Query_Flag_FollowsDockersRule(string text, bool expected) =>
        Assert.Equal(expected, Query(("x", text)).Flag("x"));

    [Theory]
    [InlineData("""{"status":["running","paused"]}""")]
    [InlineData("""{"status":{"running":true,"paused":true,"dead":false}}""")]
    public void Query_Filters_BothForms_AreTheSame(string json) =>
        Assert.Equal(["running", "paused"], Query(("filters", json)).Filters("status")["status"]);

    [Theory]
    [InlineData("""{"nope":["x"]}""", "invalid filter 'nope'")]
    [InlineData("""{"status":"x"}""", "invalid filter: a filter's values are a list of strings or an object of true and false")]
    [InlineData("""{"status":{"a":1}}""", "invalid filter: a filter's values are a list of strings or an object of true and false")]
    [InlineData("[]", "invalid filter: an object of filters is expected, such as {\"name\":[\"web\"]}")]
    [InlineData("5", "invalid filter: an object of filters is expected, such as {\"name\":[\"web\"]}")]
    public void Query_Filters_Wrong_AreRefused(string json, string message) =>
        Assert.Equal(message, Assert.Throws<FaultException>(() => Query(("filters", json)).Filters("status")).Message);

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"status":{"a":1}}""")]
    [InlineData("""{"status":[[[[["x"]]]]]}""")]
    public void Query_Filters_NotFilters_AreInvalid(string json) =>
        Assert.Equal(
            FaultKind.InvalidArgument,
            Assert.Throws<FaultException>(() => Query(("filters", json)).Filters("status")).Kind);

    [Theory]
    [InlineData("1700000000", "2023-11-14T22:13:20Z")]
    [InlineData("1700000000.5", "2023-11-14T22:13:20.5Z")]
    [InlineData("1700000000.000000100", "2023-11-14T22:13:20.0000001Z")]
    [InlineData("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z")]
    [InlineData("2023-11-14", "2023-11-14T00:00:00Z")]
    [InlineData("1h30m", "2023-11-14T20:43:20Z")]
    public void Timestamp_EachForm_IsThatMoment(string text, string expected)
    {
        Assert.True(Timestamp.TryParse(text, DateTimeOffset.FromUnixTimeSeconds(1700000000), out DateTimeOffset? time));
        Assert.Equal(expected, Wire.GoTimeConverter.Format(time!.Value));
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("-5")]
    [InlineData("1.")]
    [InlineData("99999999999999999999")]
    [InlineData("5x")]
    public void Timestamp_OtherText_IsNone(string text) =>
        Assert.False(Timestamp.TryParse(text, DateTimeOffset.UnixEpoch, out _));

    [Theory]
    [InlineData("The command '/bin/sh -c false' returned a non-zero code: 7", 7)]
    [InlineData("no such file", 0)]
    [InlineData("returned a non-zero code: x", 0)]
    public void StepExitCode_Message_NamesIt(string message, int code) => Assert.Equal(code, BuildQuery.StepExitCode(message));

    [Fact]
    public void RegistryHeader_BothAlphabets_AreRead()
    {
        var headers = new HeaderDictionary { ["X-Registry-Auth"] = Convert.ToBase64String("""{"username":"ü?>","password":"p"}"""u8) };
        Assert.Equal("ü?>", RegistryHeaders.Login(headers)?.Username);
        headers["X-Registry-Auth"] = "e30=";
        Assert.Null(RegistryHeaders.Login(headers));
        headers["X-Registry-Auth"] = "%%%";
        Assert.Null(RegistryHeaders.Login(headers));
    }

    private static QueryValues Query(params (string Name, string Value)[] values) => new(new QueryCollection(
        values.ToDictionary(pair => pair.Name, pair => new StringValues(pair.Value))));
}
