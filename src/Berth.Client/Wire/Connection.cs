using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Client.Wire;

/// <summary>One byte stream to the engine whose sending half can be closed alone.</summary>
internal sealed class Connection(Stream stream, Func<ValueTask> closeWrite, Action dispose) : IDisposable
{
    public Stream Stream { get; } = stream;

    /// <summary>Whether waiting happens in the calling thread; only a unix socket can, others stay asynchronous.</summary>
    public bool Blocks
    {
        set
        {
            if (Stream is UnixStream local)
                local.Blocks = value;
        }
    }

    public ValueTask CloseWriteAsync() => closeWrite();

    public void Dispose()
    {
        Stream.Dispose();
        dispose();
    }

    /// <exception cref="EngineException">Nothing listens there, or it may not be opened.</exception>
    public static async Task<Connection> OpenAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        EngineAddress address = options.Address;
        try
        {
            return address.Transport switch
            {
                EngineTransport.Unix => OpenUnix(address),
                EngineTransport.Tcp => await OpenTcpAsync(options, cancellationToken),
                _ => OpenSsh(address),
            };
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new EngineException(Describe(options, e), e);
        }
    }

    private static string Describe(EngineOptions options, Exception cause)
    {
        EngineAddress address = options.Address;
        if (cause is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            return "permission denied while trying to connect to the Docker daemon socket at "
                + $"{address}: dial unix {address.Path}: connect: permission denied";
        }
        return cause is AuthenticationException
            ? $"error during connect: {address}: {TlsCause(options, cause)}"
            : $"Cannot connect to the Docker daemon at {address}. Is the docker daemon running?";
    }

    // Go's words, which scripts know, and then what to do.
    private static string TlsCause(EngineOptions options, Exception cause)
    {
        if (cause.Message.Contains("RemoteCertificateNameMismatch", StringComparison.Ordinal))
        {
            return $"tls: failed to verify certificate: x509: certificate is not valid for {options.Address.Host}: name the engine as its "
                + "certificate does";
        }
        if (cause.Message.Contains("RemoteCertificateChainErrors", StringComparison.Ordinal)
            || cause.Message.Contains("certificate chain", StringComparison.Ordinal))
        {
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority: it is not signed by "
                + (options.Tls?.CaPath is { } ca ? $"{ca}: was another authority meant?" : "an authority that this machine knows");
        }
        return cause.Message.Contains("frame", StringComparison.Ordinal)
            ? "http: server gave HTTP response to HTTPS client: the engine speaks no TLS" : cause.Message;
    }

    // At once or not at all: a local connection waits only while the engine's queue is full.
    private static Connection OpenUnix(EngineAddress address)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(EndPoint(address.Path) ?? throw new SocketException((int)SocketError.AddressNotAvailable));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return FromSocket(socket, new UnixStream(socket));
    }

    // A path over the kernel's 108 bytes is an address at which nothing can listen.
    private static UnixDomainSocketEndPoint? EndPoint(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    private static Connection FromSocket(Socket socket, Stream stream) => new(
        stream,
        () =>
        {
            socket.Shutdown(SocketShutdown.Send);
            return ValueTask.CompletedTask;
        },
        () => { });

    private static async Task<Connection> OpenTcpAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Address.Host, options.Address.Port, cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        if (options.Tls is not { } tls)
            return FromSocket(socket, new NetworkStream(socket, ownsSocket: true));

        SslStream secure = new(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await secure.AuthenticateAsClientAsync(TlsOptions(options.Address.Host, tls), cancellationToken);
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
        return new Connection(secure, async () => await secure.ShutdownAsync(), () => { });
    }

    private static SslClientAuthenticationOptions TlsOptions(string host, TlsFiles tls)
    {
        SslClientAuthenticationOptions options = new() { TargetHost = host };
        if (tls.CertificatePath is not null && File.Exists(tls.CertificatePath))
        {
            options.ClientCertificates = [ClientCertificate(tls.CertificatePath, tls.KeyPath)];
        }
        if (!tls.Verify)
        {
            // The user said so: --tls without --tlsverify encrypts and trusts whoever answers.
#pragma warning disable CA5359 // Not validating is what the option means.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (tls.CaPath is not null && File.Exists(tls.CaPath))
        {
            X509Certificate2Collection roots = [];
            try
            {
                roots.ImportFromPemFile(tls.CaPath);
            }
            catch (CryptographicException e)
            {
                throw new EngineException($"failed to retrieve context tls info: read {tls.CaPath}: {e.Message.TrimEnd('.')}", e);
            }
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }
        return options;
    }

    private static X509Certificate2 ClientCertificate(string certificate, string? key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            string cause = e is ArgumentException || e.InnerException is ArgumentException
                ? $"tls: private key does not match public key: {key} is not the key of {certificate}"
                : $"read {certificate} and {key}: {e.Message.TrimEnd('.')}";
            throw new EngineException($"failed to retrieve context tls info: {cause}", e);
        }
    }

    // Arguments are passed one by one and never through a shell, so a hostile host name stays a host name.
    private static Connection OpenSsh(EngineAddress address)
    {
        ProcessStartInfo start = new("ssh") { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (address.User is { } user)
            Add(start, "-l", user);
        if (address.Port != 0)
            Add(start, "-p", address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Add(start, "-o", "ConnectTimeout=30", "-T", "--", address.Host, RemoteCommand(address));
        Process process;
        try
        {
            process = Process.Start(start) ?? throw new IOException("ssh did not start");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new EngineException($"connect {address}: cannot run ssh: {e.Message}; install an ssh client", e);
        }
        DuplexStream stream = new(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
        return new Connection(
            stream,
            () =>
            {
                process.StandardInput.Close();
                return ValueTask.CompletedTask;
            },
            process.Dispose);
    }

    // Berth or Docker, whichever the far side has.
    private static string RemoteCommand(EngineAddress address)
    {
        string host = address.Path.Length == 0 ? "" : $"--host unix://{address.Path} ";
        return address.Path.Contains('\'') || address.Path.Contains(' ')
            ? throw new EngineException($"connect {address}: a socket path with blanks or quotes is not supported", null)
            : $"if command -v berth >/dev/null 2>&1; then exec berth {host}system dial-stdio; "
                + $"else exec docker {host}system dial-stdio; fi";
    }

    private static void Add(ProcessStartInfo start, params string[] arguments)
    {
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
    }
}
