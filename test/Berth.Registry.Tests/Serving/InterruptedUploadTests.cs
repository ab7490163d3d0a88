using System.Collections.Concurrent;
using Berth.Registry.Hosting;
using Berth.Registry.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Tests.Serving;

/// <summary>A hub that stops closes the connections of uploads that go on: that is no failure of the hub's, and nobody hears an answer.</summary>
public sealed class InterruptedUploadTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");
    private readonly RecordingLogs _logs = new();
    private HubServices _services = null!;

    public async ValueTask InitializeAsync() => _services = await HubServices.OpenAsync(
        new HubOptions { DataDirectory = _directory.FullName, AnonymousPush = true }, _logs, TimeProvider.System, default);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Connection_ThatIsClosed_IsNoFailureOfTheHub(bool byTheHub)
    {
        // As the server gives it: the body knows before the request does.
        Exception end = byTheHub ? new ConnectionAbortedException() : new ConnectionResetException("reset by peer");
        DefaultHttpContext context = await AskAsync(end);
        Assert.True(Assert.IsType<Lifetime>(context.Features.Get<IHttpRequestLifetimeFeature>()).IsAborted);
        Assert.Equal(StatusCodes.Status200OK, context.Response.StatusCode);
        Assert.Empty(_logs.Lines);
    }

    [Fact]
    public async Task AnythingElse_IsOne()
    {
        DefaultHttpContext context = await AskAsync(new InvalidOperationException("a mistake of ours"));
        Assert.Equal(StatusCodes.Status500InternalServerError, context.Response.StatusCode);
        Assert.Contains("failed", Assert.Single(_logs.Lines), StringComparison.Ordinal);
    }

    private async Task<DefaultHttpContext> AskAsync(Exception end)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestLifetimeFeature>(new Lifetime());
        context.Request.Method = "POST";
        context.Request.Path = "/v2/test/app/blobs/uploads/";
        context.Request.QueryString = new QueryString($"?digest=sha256:{new string('a', 64)}");
        context.Request.Body = new BrokenBody(end);
        await new RegistryEndpoints(_services).HandleAsync(context);
        return context;
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsAborted = true;
    }

    private sealed class BrokenBody(Exception end) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromException<int>(end);
    }

    private sealed class RecordingLogs : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Lines.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
