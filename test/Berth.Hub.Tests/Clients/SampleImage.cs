using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests.Clients;

/// <summary>A small image in an OCI layout, different from every other one.</summary>
internal sealed class SampleImage : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-image-");

    public SampleImage(int layers = 3)
    {
        var diffIds = new List<string>();
        var descriptors = new List<string>();
        for (int i = 0; i < layers; i++)
        {
            byte[] tar = LayerTar($"file{i}");
            diffIds.Add($"\"sha256:{Hex(tar)}\"");
            descriptors.Add(Write("application/vnd.oci.image.layer.v1.tar+gzip", Compress(tar)));
        }
        string config = Write("application/vnd.oci.image.config.v1+json", Encoding.UTF8.GetBytes(
            $$"""
            {"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["/file0"]},
            "rootfs":{"type":"layers","diff_ids":[{{string.Join(',', diffIds)}}]},"history":[{{string.Join(',', diffIds.Select((_, i) => $$"""{"created_by":"COPY file{{i}} /"}"""))}}]}
            """));
        string manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{config}},"layers":[{{string.Join(',', descriptors)}}]}
            """;
        string descriptor = Write("application/vnd.oci.image.manifest.v1+json", Encoding.UTF8.GetBytes(manifest));
        Digest = $"sha256:{Hex(Encoding.UTF8.GetBytes(manifest))}";
        File.WriteAllText(Path.Join(Layout, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllText(Path.Join(Layout, "index.json"), $$"""
            {"schemaVersion":2,"manifests":[{{descriptor[..^1]}},"annotations":{"org.opencontainers.image.ref.name":"latest"} }]}
            """);
    }

    /// <summary>The directory of the layout, whose one image is named <c>latest</c>.</summary>
    public string Layout => _directory.FullName;

    /// <summary>The manifest's digest.</summary>
    public string Digest { get; }

    public void Dispose() => _directory.Delete(recursive: true);

    private static byte[] LayerTar(string name)
    {
        using var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
        {
            // A real difference between images, and enough to be more than one segment of anything.
            using var content = new MemoryStream(RandomNumberGenerator.GetBytes(200_000));
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = content });
        }
        return output.ToArray();
    }

    private static byte[] Compress(byte[] content)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(content);
        return output.ToArray();
    }

    private string Write(string type, byte[] content)
    {
        string hex = Hex(content);
        string blobs = Directory.CreateDirectory(Path.Join(Layout, "blobs", "sha256")).FullName;
        File.WriteAllBytes(Path.Join(blobs, hex), content);
        return $$"""{"mediaType":"{{type}}","digest":"sha256:{{hex}}","size":{{content.Length}}}""";
    }

    private static string Hex(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
