using System.Net;
using System.Text;
using Berth.Faults;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Cache;

namespace Berth.Registry.Tests.Storage;

/// <summary>Services that answer what the client of S3 cannot read: that is a storage that fails, told in a sentence.</summary>
public sealed class S3AnswerTests
{
    [Theory]
    [InlineData("\"not hex\"")]
    [InlineData("\"zz\"")]
    [InlineData("\"abc\"")]
    [InlineData("\"etag\"")]
    public async Task EntityTag_ThatIsNoDigest_IsAStorageThatFails(string entityTag)
    {
        await using FakeUpstream service = await FakeUpstream.StartAsync();
        service.Answer = async context =>
        {
            context.Response.StatusCode = (int)HttpStatusCode.OK;
            context.Response.Headers.ETag = entityTag;
            if (context.Request.Method == "GET")
                await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes("owner"));
            return true;
        };
        await using var storage = new S3BlobStorage(new S3Options
        {
            Endpoint = service.Address, Bucket = "hub", AccessKey = "k", SecretKey = "s",
        }, Path.GetTempPath());
        FaultException fault = await Assert.ThrowsAsync<FaultException>(async () => await storage.OwnerAsync(default));
        Assert.Equal(FaultKind.Unavailable, fault.Kind);
        Assert.Contains("its ETag is no digest", fault.Message, StringComparison.Ordinal);
    }
}
