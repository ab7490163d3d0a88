using Berth.Registry.Database;

namespace Berth.Registry.Tests.Database;

/// <summary>The file that keeps room for deletions from a full disk.</summary>
public sealed class DiskReserveTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-reserve-");

    private string File => Path.Join(_directory.FullName, "hub.db.reserve");

    private long Length => new FileInfo(File).Length;

    [Fact]
    public void Keep_MakesItWhole_AndItsOwnersAlone()
    {
        var reserve = new DiskReserve(File);
        Assert.True(reserve.TryKeep());
        Assert.Equal(DiskReserve.Bytes, Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
    }

    [Fact]
    public void Give_InPieces_UntilThereIsNothing_AndAnotherProcessMakesItWhole()
    {
        var reserve = new DiskReserve(File);
        reserve.TryKeep();
        long before = Length;
        int given = 0;
        for (; reserve.Give(ReserveUse.Freeing); given++)
        {
            Assert.True(Length < before);
            Assert.True(reserve.IsDiskFull);
            before = Length;
        }
        Assert.True(given > 8, $"{given} pieces");
        Assert.Equal(0, Length);
        // Nothing but the file says what is kept.
        Assert.True(new DiskReserve(File).TryKeep());
        Assert.Equal(DiskReserve.Bytes, Length);
        Assert.True(reserve.Give(ReserveUse.Freeing));
    }

    [Fact]
    public void SignIns_TakeHalfOfIt_AndOtherChangesNothing()
    {
        var reserve = new DiskReserve(File);
        reserve.TryKeep();
        Assert.False(reserve.Give(ReserveUse.None));
        while (reserve.Give(ReserveUse.SignIn))
        {
        }
        Assert.Equal(DiskReserve.Bytes / 2, Length);
        Assert.True(reserve.Give(ReserveUse.Freeing));
    }

    [Fact]
    public void File_ThatAnotherProcessHolds_IsNoReasonToRefuse()
    {
        var reserve = new DiskReserve(File);
        reserve.TryKeep();
        reserve.Give(ReserveUse.Freeing);
        using (new FileStream(File, FileMode.Open, FileAccess.Write, FileShare.None))
        {
            Assert.True(reserve.TryKeep());
            Assert.True(reserve.Give(ReserveUse.Freeing));
        }
        Assert.True(reserve.TryKeep());
        Assert.Equal(DiskReserve.Bytes, Length);
    }

    [Fact]
    public void Reserve_WithoutAFile_GivesNothing()
    {
        var reserve = new DiskReserve(File);
        Assert.False(reserve.Give(ReserveUse.Freeing));
        Assert.False(System.IO.File.Exists(File));
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
