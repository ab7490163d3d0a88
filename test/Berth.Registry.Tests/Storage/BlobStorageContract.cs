using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Berth.Faults;
using Berth.Oci;
using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Storage;

/// <summary>What every storage must do. Two instances over the same place stand for two processes.</summary>
public abstract class BlobStorageContract : IAsyncLifetime
{
    private IBlobStorage _first = null!;
    private IBlobStorage _second = null!;

    protected abstract Task<IBlobStorage> OpenAsync();

    public async ValueTask InitializeAsync() => (_first, _second) = (await OpenAsync(), await OpenAsync());

    public virtual async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<int> Sizes => [0, 1, 4096, 300_000, 17 * 1024 * 1024];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Upload_Finished_IsRead(int size)
    {
        byte[] content = RandomNumberGenerator.GetBytes(size);
        string location = await StoreAsync(_first, NewId(), content);
        Assert.Equal(content, await ReadAsync(_second, location));
    }

    [Theory]
    [InlineData(1, 2), InlineData(0, 1000), InlineData(70_000, 200_000), InlineData(999_999, 1)]
    public async Task Blob_Part_IsThatPart(int offset, int count)
    {
        byte[] content = RandomNumberGenerator.GetBytes(1_000_000);
        string location = await StoreAsync(_first, NewId(), content);
        Assert.Equal(content.AsSpan(offset, count).ToArray(), await ReadAsync(_first, location, offset, count));
    }

    [Theory]
    [InlineData("sha256"), InlineData("sha512")]
    public async Task Digest_IsOfAllBytes_AlsoByAnotherAlgorithm(string begun)
    {
        byte[] content = RandomNumberGenerator.GetBytes(100_000);
        string id = NewId();
        await using IBlobWriter writer = await _first.BeginAsync(id, begun, default);
        await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
        Assert.Equal(Digest.Of(content), await writer.DigestAsync("sha256", default));
        Assert.Equal(Digest.FromSha512(SHA512.HashData(content)), await writer.DigestAsync("sha512", default));
        await _first.CancelAsync(id, default);
    }

    [Theory]
    [InlineData(100_000, false), InlineData(100_000, true), InlineData(20_000_000, false), InlineData(20_000_000, true)]
    public async Task Upload_OverSeveralRequestsAndProcesses_IsWhole(int size, bool alternates)
    {
        byte[] content = RandomNumberGenerator.GetBytes(size);
        string id = NewId();
        long bytes = 0;
        await using (IBlobWriter begun = await _first.BeginAsync(id, "sha256", default))
            await begun.SuspendAsync(default);
        foreach (byte[] chunk in content.Chunk((size / 3) + 1))
        {
            IBlobStorage storage = alternates && bytes > 0 ? _second : _first;
            await using IBlobWriter writer = await storage.ResumeAsync(id, "sha256", bytes, default);
            Assert.Equal(bytes, writer.Bytes);
            await writer.WriteAsync(new ReadOnlySequence<byte>(chunk), default);
            await writer.SuspendAsync(default);
            bytes = writer.Bytes;
        }
        await using IBlobWriter last = await _first.ResumeAsync(id, "sha256", bytes, default);
        Assert.Equal(Digest.Of(content), await last.DigestAsync("sha256", default));
        Assert.Equal(content, await ReadAsync(_second, await last.FinishAsync(Digest.Of(content), default)));
    }

    [Fact]
    public async Task Upload_ResumedAtLessThanArrived_GoesOnThere()
    {
        byte[] content = RandomNumberGenerator.GetBytes(100_000);
        string id = NewId();
        await using (IBlobWriter writer = await _first.BeginAsync(id, "sha256", default))
        {
            await writer.WriteAsync(new ReadOnlySequence<byte>(RandomNumberGenerator.GetBytes(50_000)), default);
            await writer.SuspendAsync(default);
        }
        await using IBlobWriter resumed = await _second.ResumeAsync(id, "sha256", 0, default);
        Assert.Equal(0, resumed.Bytes);
        await resumed.WriteAsync(new ReadOnlySequence<byte>(content), default);
        Assert.Equal(Digest.Of(content), await resumed.DigestAsync("sha256", default));
        Assert.Equal(content, await ReadAsync(_first, await resumed.FinishAsync(Digest.Of(content), default)));
    }

    [Fact]
    public async Task Upload_TellsWhatIsThere()
    {
        string id = NewId();
        await using (IBlobWriter writer = await _first.BeginAsync(id, "sha256", default))
        {
            Assert.Equal(0, await _second.ArrivedAsync(id, 0, default));
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[50_000]), default);
            await writer.SuspendAsync(default);
        }
        // More was agreed than is there: it was lost since.
        Assert.Equal(50_000, await _second.ArrivedAsync(id, 60_000, default));
        Assert.Equal(40_000, await _second.ArrivedAsync(id, 40_000, default));
        await _first.CancelAsync(id, default);
        Assert.Null(await _second.ArrivedAsync(id, 50_000, default));
    }

    [Fact]
    public async Task Upload_ThatIsNotThere_IsNotResumed()
    {
        var fault = await Assert.ThrowsAsync<FaultException>(async () => await _first.ResumeAsync(NewId(), "sha256", 10, default));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
    }

    [Theory]
    [InlineData(100_000), InlineData(20_000_000)]
    public async Task Upload_Cancelled_LeavesNothing(int size)
    {
        string id = NewId();
        await using (IBlobWriter writer = await _first.BeginAsync(id, "sha256", default))
        {
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[size]), default);
            await writer.SuspendAsync(default);
        }
        await _second.CancelAsync(id, default);
        await _second.CancelAsync(id, default);
        await Assert.ThrowsAsync<FaultException>(async () => await _first.ResumeAsync(id, "sha256", size, default));
        Assert.DoesNotContain(await ListAsync(), file => file.UploadId == id);
    }

    [Fact]
    public async Task Upload_FinishedAndNotAcknowledged_IsCancelledAllTheSame()
    {
        string id = NewId();
        string location = await StoreAsync(_first, id, RandomNumberGenerator.GetBytes(1000));
        await _second.CancelAsync(id, default);
        Assert.Null(await _first.OpenAsync(location, default));
    }

    [Fact]
    public async Task SameContent_Twice_HasTwoLocations()
    {
        byte[] content = RandomNumberGenerator.GetBytes(1000);
        string one = await StoreAsync(_first, NewId(), content);
        string two = await StoreAsync(_second, NewId(), content);
        Assert.NotEqual(one, two);
        Assert.Equal(1000, await _first.DeleteAsync(one, default));
        Assert.Equal(0, await _first.DeleteAsync(one, default));
        Assert.Null(await _first.OpenAsync(one, default));
        Assert.Equal(content, await ReadAsync(_first, two));
    }

    [Fact]
    public async Task Files_HaveWhatIsStored()
    {
        string id = NewId();
        string location = await StoreAsync(_first, id, new byte[1234]);
        DateTimeOffset clock = await _second.ClockAsync(default);
        StoredFile file = Assert.Single(await ListAsync(), file => file.UploadId == id);
        Assert.Equal(location, file.Location);
        StoredState? state = await _second.LookAsync(file, default);
        Assert.Equal(1234, state!.Bytes);
        // By the storage's clock it is new, whatever ours says; services tell whole seconds.
        Assert.InRange(clock - state.ChangedAt, TimeSpan.FromSeconds(-2), TimeSpan.FromMinutes(1));
        Assert.Equal(1234, await _first.DeleteAsync(location, default));
        Assert.DoesNotContain(await ListAsync(), other => other.UploadId == id);
        Assert.Null(await _second.LookAsync(file with { State = null }, default));
    }

    [Theory]
    [InlineData(1000), InlineData(20_000_000)]
    public async Task Files_HaveEachPieceOfAnUpload_AndEachIsRemoved(int size)
    {
        string id = NewId();
        await using (IBlobWriter writer = await _first.BeginAsync(id, "sha256", default))
        {
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[size]), default);
            await writer.SuspendAsync(default);
        }
        List<StoredFile> pieces = [.. (await ListAsync()).Where(file => file.UploadId == id)];
        Assert.NotEmpty(pieces);
        foreach (StoredFile piece in pieces)
        {
            StoredState? state = await _second.LookAsync(piece, default);
            Assert.Equal(state!.Bytes, await _second.DeleteAsync(piece.Location, default));
            Assert.Equal(0, await _first.DeleteAsync(piece.Location, default));
        }
        Assert.DoesNotContain(await ListAsync(), file => file.UploadId == id);
        Assert.Null(await _first.ArrivedAsync(id, size, default));
    }

    [Theory]
    [InlineData(1000, false), InlineData(20_000_000, false), InlineData(1000, true), InlineData(20_000_000, true)]
    public async Task Pieces_AreAllThatThereIsOfAnUpload_AndOfNoOther(int size, bool isFinished)
    {
        string[] ids = [NewId(), NewId()];
        foreach (string id in ids)
        {
            await using IBlobWriter writer = await _first.BeginAsync(id, "sha256", default);
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[size]), default);
            if (isFinished)
                await writer.FinishAsync(Digest.Of(new byte[size]), default);
            else
                await writer.SuspendAsync(default);
        }
        List<StoredFile> pieces = await PiecesAsync(ids[0]);
        // Parts that a service keeps, it may not tell in a listing.
        Assert.Equal(
            (await ListAsync()).Where(file => file.UploadId == ids[0]).Select(file => file.Location).Order(),
            pieces.Select(piece => piece.Location).Where(location => !location.StartsWith("parts/", StringComparison.Ordinal)).Order());
        foreach (StoredFile piece in pieces)
        {
            long? bytes = await _first.BytesAsync(piece.Location, default);
            Assert.Equal(bytes, await _second.DeleteAsync(piece.Location, default));
        }
        Assert.DoesNotContain(await PiecesAsync(ids[0]), piece => !piece.Location.StartsWith("parts/", StringComparison.Ordinal));
        Assert.DoesNotContain(await ListAsync(), file => file.UploadId == ids[0]);
        Assert.NotEmpty(await PiecesAsync(ids[1]));
        await _first.CancelAsync(ids[1], default);
        Assert.Empty(await PiecesAsync(ids[1]));
    }

    [Fact]
    public async Task Pieces_OfAnUploadThatIsNotThere_AreNone() => Assert.Empty(await PiecesAsync(NewId()));

    [Fact]
    public async Task Bytes_AreWhatIsThere_AndNothingIsNothing()
    {
        string location = await StoreAsync(_first, NewId(), new byte[1234]);
        string empty = await StoreAsync(_first, NewId(), []);
        Assert.Equal((1234, 0), (await _second.BytesAsync(location, default), await _second.BytesAsync(empty, default)));
        await _first.DeleteAsync(location, default);
        Assert.Null(await _second.BytesAsync(location, default));
    }

    [Fact]
    public async Task Files_OfMoreThanAPage_AreAllTold_AndEachOnce()
    {
        string[] ids = [.. Enumerable.Range(0, FilesOfSomePages).Select(_ => NewId())];
        foreach (string id in ids)
            await StoreAsync(_first, id, new byte[1]);
        Assert.Equal(ids.Order(), (await ListAsync()).Select(file => file.UploadId).Where(ids.Contains).Order());
    }

    [Fact]
    public async Task Files_RemovedByTwoAtOnce_AreGone_AndAreCountedOnceByFiles()
    {
        string location = await StoreAsync(_first, NewId(), new byte[100]);
        long[] freed = await Task.WhenAll(
            Task.Run(() => _first.DeleteAsync(location, default).AsTask()), Task.Run(() => _second.DeleteAsync(location, default).AsTask()));
        Assert.Contains(100, freed);
        Assert.InRange(freed.Sum(), 100, CountsEachRemoval ? 100 : 200);
    }

    [Fact]
    public async Task Owner_IsWhoeverWasNotedFirst()
    {
        Assert.Null(await _first.OwnerAsync(default));
        await _first.SetOwnerAsync("one", default);
        Assert.Equal("one", await _second.OwnerAsync(default));
        // Neither a blob nor a piece of an upload.
        Assert.DoesNotContain(await ListAsync(), file => file.Location.Contains("storage.id", StringComparison.Ordinal));
    }

    /// <summary>More than a listing has in one answer.</summary>
    protected virtual int FilesOfSomePages => 20;

    /// <summary>Whether of several who remove the same file at once only one is told its bytes.</summary>
    protected virtual bool CountsEachRemoval => true;

    protected static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private async Task<List<StoredFile>> ListAsync()
    {
        List<StoredFile> all = [];
        await foreach (StoredFile file in _second.FilesAsync(default))
            all.Add(file);
        return all;
    }

    private async Task<List<StoredFile>> PiecesAsync(string id)
    {
        List<StoredFile> all = [];
        await foreach (StoredFile piece in _second.PiecesAsync(id, default))
            all.Add(piece);
        return all;
    }

    private static async Task<string> StoreAsync(IBlobStorage storage, string id, byte[] content)
    {
        await using IBlobWriter writer = await storage.BeginAsync(id, "sha256", default);
        await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
        Assert.Equal(content.Length, writer.Bytes);
        return await writer.FinishAsync(Digest.Of(content), default);
    }

    private static async Task<byte[]> ReadAsync(IBlobStorage storage, string location, long offset = 0, long? count = null)
    {
        await using IBlobReader? reader = await storage.OpenAsync(location, default);
        Assert.NotNull(reader);
        using var content = new MemoryStream();
        PipeWriter output = PipeWriter.Create(content, new StreamPipeWriterOptions(leaveOpen: true));
        if ((count ?? reader.Bytes) > 0)
            await reader.CopyToAsync(output, offset, count ?? reader.Bytes, default);
        await output.CompleteAsync();
        return content.ToArray();
    }
}
