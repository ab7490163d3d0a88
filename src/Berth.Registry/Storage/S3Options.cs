namespace Berth.Registry.Storage;

/// <summary>A bucket of an S3-compatible service.</summary>
public sealed record S3Options
{
    /// <summary>Where the service is: <c>https://s3.example.edu</c>.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>The bucket, which must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What all keys begin with; empty, or ends with a slash.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The region that requests are signed for.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>Who signs.</summary>
    public required string AccessKey { get; init; }

    /// <summary>With what.</summary>
    public required string SecretKey { get; init; }
}
