namespace Berth.Engine.State;

/// <summary>Room on a disk that is kept for the moment when there is no other: a file that is there only to be made shorter.</summary>
/// <remarks>Without it nothing could be removed on a full disk, because a removal has to be written too.</remarks>
internal sealed class SpaceReserve(string path)
{
    private const int Bytes = 2 * 1024 * 1024;

    // At four pages of the log each, eight changes of the state.
    private const int PieceBytes = 128 * 1024;

    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(5);
    private bool _isWhole;
    private long _triedAt;

    /// <summary>Makes it whole again; tries seldom while there is no room.</summary>
    public void TryFill(bool atOnce = false)
    {
        if (_isWhole || (!atOnce && Environment.TickCount64 - _triedAt < s_retryAfter.TotalMilliseconds))
            return;
        _triedAt = Environment.TickCount64;
        try
        {
            // Its old room is not enough by itself, so nothing is lost when the new one cannot be had.
            string whole = path + ".new";
            using (FileStream file = new(whole, new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, PreallocationSize = Bytes,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
                file.SetLength(Bytes);
            File.Move(whole, path, overwrite: true);
            _isWhole = true;
        }
        catch (Exception noRoom) when (noRoom is IOException or UnauthorizedAccessException)
        {
            // Later, perhaps.
            TryDelete(path + ".new");
        }
    }

    /// <summary>Gives some of the room away; false when there is none left.</summary>
    public bool Give()
    {
        _isWhole = false;
        _triedAt = Environment.TickCount64;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Write);
            if (file.Length == 0)
                return false;
            file.SetLength(Math.Max(0, file.Length - PieceBytes));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // A read-only disk.
        }
    }
}
