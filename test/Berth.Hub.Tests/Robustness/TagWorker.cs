using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests.Robustness;

/// <summary>One client with tags of its own, which it moves and deletes; it knows what each must be, whenever the hub dies.</summary>
/// <param name="repository">Where its images are; nobody else's.</param>
/// <param name="random">What decides what it does.</param>
/// <param name="layers">Of which images are made: the same ones come and go.</param>
internal sealed class TagWorker(string repository, Random random, byte[][] layers)
{
    private const int Tags = 6;

    // What each tag may name; more than one thing while a request is unanswered. Null: nothing.
    private readonly Dictionary<string, List<byte[][]?>> _tags = [];

    public int Acknowledged { get; private set; }

    /// <summary>Whether the hub may say that it failed: what it was asked for may then have happened or not.</summary>
    public bool MayFail { get; init; }

    /// <summary>What is pushed next; null: images that only this worker has.</summary>
    public Func<byte[][]>? Images { get; init; }

    /// <summary>Pushes an image or deletes one; false: the hub said that it failed.</summary>
    public async Task<bool> StepAsync(HttpClient client)
    {
        string tag = $"t{random.Next(Tags)}";
        var images = new ImagePusher(client, repository);
        List<byte[][]?> states = _tags.TryGetValue(tag, out List<byte[][]?>? known) ? known : _tags[tag] = [null];
        byte[][]? wanted = random.Next(2) == 0 && states[0] is not null ? null : NewImage();
        states.Add(wanted);
        HttpStatusCode status = wanted is null ? await DeleteAsync(images, states[0]!) : await images.PushAsync(tag, wanted);
        // A blob that was there when it was asked for may have been collected before the manifest came: that push is refused.
        if (status == HttpStatusCode.Created || (wanted is null && status is (HttpStatusCode.Accepted or HttpStatusCode.NotFound)))
        {
            _tags[tag] = [wanted];
            Acknowledged++;
            return true;
        }
        if (MayFail && status >= HttpStatusCode.InternalServerError)
            return false;
        Assert.True(status is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{repository}:{tag}: {status}");
        states.Remove(wanted);
        return true;
    }

    /// <summary>Demands that each tag is what it was acknowledged to be, with all its bytes.</summary>
    public async Task CheckAsync(HttpClient client)
    {
        var images = new ImagePusher(client, repository);
        foreach ((string tag, List<byte[][]?> states) in _tags)
        {
            using HttpResponseMessage found = await images.SendAsync(HttpMethod.Get, $"manifests/{tag}");
            string? manifest = found.StatusCode == HttpStatusCode.NotFound ? null : await found.Content.ReadAsStringAsync();
            int at = states.FindIndex(state => (state is null ? null : ImagePusher.Manifest(state)) == manifest);
            Assert.True(at >= 0, $"{repository}:{tag} is neither what it was nor what it was to be: {found.StatusCode}");
            if (states[at] is { } there)
                await images.RequireAsync(tag, there);
            _tags[tag] = [states[at]];
        }
    }

    // Shared layers and one that nobody else has: no two images are the same, and each leaves garbage.
    private byte[][] NewImage() => Images is { } images ? images() :
        [RandomNumberGenerator.GetBytes(100), .. Enumerable.Range(0, random.Next(1, 4)).Select(_ => layers[random.Next(layers.Length)])];

    private static async Task<HttpStatusCode> DeleteAsync(ImagePusher images, byte[][] image)
    {
        string digest = ImagePusher.Digest(Encoding.UTF8.GetBytes(ImagePusher.Manifest(image)));
        using HttpResponseMessage deleted = await images.SendAsync(HttpMethod.Delete, $"manifests/{digest}");
        return deleted.StatusCode;
    }
}
