using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// One client that uploads blobs whole and in pieces, leaves uploads open, goes on with them and deletes blobs; it knows what must be there,
/// whenever the power is cut.
/// </summary>
internal sealed class BlobWorker(string repository, Random random)
{
    private const int BytesMax = 150_000;
    private const int PieceMax = 40_000;
    private const int KeptMax = 30;
    private const int OpenMax = 4;

    private readonly List<byte[]> _blobs = [];
    private readonly List<byte[]> _deleted = [];
    private readonly List<Open> _open = [];

    // Asked for and not answered: there or not, but never another thing.
    private byte[]? _unsure;

    public int Acknowledged { get; private set; }

    /// <summary>Open uploads that after a loss of power went on with all that had been acknowledged.</summary>
    public int Whole { get; private set; }

    /// <summary>Those that went on with less.</summary>
    public int Shorter { get; private set; }

    /// <summary>Those that the hub said it does not know.</summary>
    public int Gone { get; private set; }

    /// <summary>Those that the hub said another request still holds.</summary>
    public int Held { get; private set; }

    /// <summary>Does one thing; false: the hub said that it failed.</summary>
    public async Task<bool> StepAsync(HttpClient client)
    {
        bool answered = (_blobs.Count, _open.Count, random.Next(4)) switch
        {
            ( > KeptMax, _, _) => await DeleteAsync(client),
            (_, > OpenMax, _) => await EndAsync(client, _open[0]),
            (_, _, 0) => await BeginAsync(client),
            (_, > 0, 1) => await AppendAsync(client, _open[random.Next(_open.Count)]),
            (_, > 0, 2) => await EndAsync(client, _open[random.Next(_open.Count)]),
            _ => await WholeAsync(client),
        };
        Acknowledged += answered ? 1 : 0;
        return answered;
    }

    /// <summary>Demands that what was acknowledged is there, that what was deleted is gone, and that open uploads go on.</summary>
    public async Task CheckAsync(HttpClient client)
    {
        foreach (byte[] blob in _blobs)
        {
            byte[]? there = await ReadAsync(client, blob);
            Assert.True(there is not null, $"{repository}@{ImagePusher.Digest(blob)}, acknowledged, is gone");
            Assert.Equal(blob, there);
        }
        foreach (byte[] blob in _deleted)
        {
            byte[]? there = await ReadAsync(client, blob);
            Assert.True(there is null, $"{repository}@{ImagePusher.Digest(blob)}, deleted, is there again");
        }
        _deleted.Clear();
        if (_unsure is { } unsure && await ReadAsync(client, unsure) is { } found)
            Assert.Equal(unsure, found);
        _unsure = null;
        foreach (Open upload in _open.ToList())
            await ResumeAsync(client, upload);
        Assert.Empty(_open);
    }

    private async Task<bool> WholeAsync(HttpClient client)
    {
        byte[] blob = NewBlob();
        _unsure = blob;
        using HttpResponseMessage sent = await new ImagePusher(client, repository)
            .SendAsync(HttpMethod.Post, $"blobs/uploads/?digest={ImagePusher.Digest(blob)}", blob);
        return Answered(sent, HttpStatusCode.Created) && Keep(blob);
    }

    private async Task<bool> BeginAsync(HttpClient client)
    {
        using HttpResponseMessage begun = await new ImagePusher(client, repository).SendAsync(HttpMethod.Post, "blobs/uploads/");
        if (!Answered(begun, HttpStatusCode.Accepted))
            return false;
        _open.Add(new Open(NewBlob(), begun.Headers.Location!));
        return true;
    }

    private async Task<bool> AppendAsync(HttpClient client, Open upload)
    {
        int count = Math.Min(upload.Blob.Length - upload.Acknowledged, random.Next(1000, PieceMax));
        if (count == 0)
            return await EndAsync(client, upload);
        using HttpResponseMessage sent = await PatchAsync(client, upload, upload.Acknowledged, count);
        if (!Answered(sent, HttpStatusCode.Accepted))
            return false;
        upload.Acknowledged += count;
        return true;
    }

    private async Task<bool> EndAsync(HttpClient client, Open upload)
    {
        _unsure = upload.Blob;
        using HttpRequestMessage request = new(HttpMethod.Put, With(upload.Location, $"digest={ImagePusher.Digest(upload.Blob)}"))
        {
            Content = new ByteArrayContent(upload.Blob, upload.Acknowledged, upload.Blob.Length - upload.Acknowledged),
        };
        using HttpResponseMessage end = await client.SendAsync(request);
        if (!Answered(end, HttpStatusCode.Created))
            return false;
        _open.Remove(upload);
        return Keep(upload.Blob);
    }

    private async Task<bool> DeleteAsync(HttpClient client)
    {
        byte[] blob = _blobs[random.Next(_blobs.Count)];
        _blobs.Remove(blob);
        _unsure = blob;
        using HttpResponseMessage deleted = await new ImagePusher(client, repository)
            .SendAsync(HttpMethod.Delete, $"blobs/{ImagePusher.Digest(blob)}");
        if (!Answered(deleted, HttpStatusCode.Accepted))
            return false;
        _deleted.Add(blob);
        _unsure = null;
        return true;
    }

    // What an upload had been said to have may be less now, and is then said; a client goes on from there.
    private async Task ResumeAsync(HttpClient client, Open upload)
    {
        _open.Remove(upload);
        using HttpResponseMessage status = await client.GetAsync(upload.Location);
        if (status.StatusCode == HttpStatusCode.NotFound)
        {
            Gone++;
            return;
        }
        Assert.Equal(HttpStatusCode.NoContent, status.StatusCode);
        int arrived = Arrived(status);
        HttpStatusCode rest = HttpStatusCode.Accepted;
        // At most twice: the second time from where the hub says that the upload is.
        for (int attempt = 0; attempt < 2 && arrived < upload.Blob.Length; attempt++)
        {
            using HttpResponseMessage sent = await PatchAsync(client, upload, arrived, upload.Blob.Length - arrived);
            rest = sent.StatusCode;
            if (rest != HttpStatusCode.RequestedRangeNotSatisfiable)
                break;
            Assert.InRange(Arrived(sent), 0, arrived - 1);
            arrived = Arrived(sent);
        }
        if (rest is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Whom the cut met in the midst of a request holds the upload until its lease has run out: the client is told to wait.
            (Gone, Held) = rest == HttpStatusCode.NotFound ? (Gone + 1, Held) : (Gone, Held + 1);
            return;
        }
        Assert.Equal(HttpStatusCode.Accepted, rest);
        (Whole, Shorter) = arrived >= upload.Acknowledged ? (Whole + 1, Shorter) : (Whole, Shorter + 1);
        using HttpResponseMessage end = await client.PutAsync(With(upload.Location, $"digest={ImagePusher.Digest(upload.Blob)}"), null);
        if (end.StatusCode != HttpStatusCode.Created)
            Assert.Fail($"{repository}: an upload that went on from byte {arrived} of {upload.Acknowledged} acknowledged ones ended with "
                + $"{end.StatusCode}: {await end.Content.ReadAsStringAsync()}");
        Keep(upload.Blob);
        Assert.Equal(upload.Blob, await ReadAsync(client, upload.Blob));
    }

    private async Task<byte[]?> ReadAsync(HttpClient client, byte[] blob)
    {
        using HttpResponseMessage found = await new ImagePusher(client, repository)
            .SendAsync(HttpMethod.Get, $"blobs/{ImagePusher.Digest(blob)}");
        if (found.StatusCode == HttpStatusCode.NotFound)
            return null;
        Assert.Equal(HttpStatusCode.OK, found.StatusCode);
        return await found.Content.ReadAsByteArrayAsync();
    }

    private bool Keep(byte[] blob)
    {
        _unsure = null;
        _blobs.Add(blob);
        return true;
    }

    private byte[] NewBlob()
    {
        byte[] blob = new byte[random.Next(PieceMax, BytesMax)];
        random.NextBytes(blob);
        // What another run or worker has uploaded would only be linked.
        RandomNumberGenerator.Fill(blob.AsSpan(0, 32));
        return blob;
    }

    // A hub whose disk is away says so; any other refusal is wrong.
    private bool Answered(HttpResponseMessage answer, HttpStatusCode wanted)
    {
        if (answer.StatusCode >= HttpStatusCode.InternalServerError)
            return false;
        Assert.True(answer.StatusCode == wanted, $"{repository}: {answer.RequestMessage}: {answer.StatusCode}");
        return true;
    }

    private static async Task<HttpResponseMessage> PatchAsync(HttpClient client, Open upload, int offset, int count)
    {
        using var content = new ByteArrayContent(upload.Blob, offset, count);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.TryAddWithoutValidation("Content-Range", $"{offset}-{offset + count - 1}");
        return await client.PatchAsync(upload.Location, content);
    }

    // "0-65535": so much is there. "0-0" is nothing: no piece is of one byte.
    private static int Arrived(HttpResponseMessage answer)
    {
        int last = int.Parse(answer.Headers.GetValues("Range").Single().Split('-')[1]);
        return last == 0 ? 0 : last + 1;
    }

    private static Uri With(Uri location, string query) =>
        new($"{location}{(location.ToString().Contains('?') ? '&' : '?')}{query}", UriKind.RelativeOrAbsolute);

    private sealed class Open(byte[] blob, Uri location)
    {
        public byte[] Blob => blob;

        public Uri Location => location;

        public int Acknowledged { get; set; }
    }
}
