using Berth.BuildKit.Protocol;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Sessions;

/// <summary>The calls that a client offers over its session.</summary>
/// <remarks>BuildKit, session/: filesync, auth, secrets, sshforward, grpchijack.</remarks>
internal static class SessionMethods
{
    public static Method<HealthCheckRequest, HealthCheckResponse> Health { get; } = Define(
        MethodType.Unary, "grpc.health.v1.Health", "Check", HealthCheckRequest.Parser, HealthCheckResponse.Parser);

    /// <summary>The client sends a tree: Dockerfile or context.</summary>
    public static Method<Packet, Packet> SendTree { get; } = Define(
        MethodType.DuplexStreaming, "moby.filesync.v1.FileSync", "DiffCopy", Packet.Parser, Packet.Parser);

    /// <summary>The client takes a tree: <c>--output type=local</c>.</summary>
    public static Method<Packet, Packet> TakeTree { get; } = Define(
        MethodType.DuplexStreaming, "moby.filesync.v1.FileSend", "DiffCopy", Packet.Parser, Packet.Parser);

    /// <summary>The client takes one file: <c>--output type=tar</c>. The same call as for a tree, with other messages.</summary>
    public static Method<BytesMessage, BytesMessage> TakeFile { get; } = Define(
        MethodType.DuplexStreaming, "moby.filesync.v1.FileSend", "DiffCopy", BytesMessage.Parser, BytesMessage.Parser);

    public static Method<CredentialsRequest, CredentialsResponse> Credentials { get; } = Define(
        MethodType.Unary, "moby.filesync.v1.Auth", "Credentials", CredentialsRequest.Parser, CredentialsResponse.Parser);

    public static Method<GetSecretRequest, GetSecretResponse> Secret { get; } = Define(
        MethodType.Unary, "moby.buildkit.secrets.v1.Secrets", "GetSecret", GetSecretRequest.Parser, GetSecretResponse.Parser);

    public static Method<CheckAgentRequest, CheckAgentResponse> CheckAgent { get; } = Define(
        MethodType.Unary, "moby.sshforward.v1.SSH", "CheckAgent", CheckAgentRequest.Parser, CheckAgentResponse.Parser);

    public static Method<BytesMessage, BytesMessage> ForwardAgent { get; } = Define(
        MethodType.DuplexStreaming, "moby.sshforward.v1.SSH", "ForwardAgent", BytesMessage.Parser, BytesMessage.Parser);

    /// <summary>The client sends a stream that it was given: a tar on its standard input.</summary>
    public static Method<BytesMessage, BytesMessage> Upload { get; } = Define(
        MethodType.DuplexStreaming, "moby.upload.v1.Upload", "Pull", BytesMessage.Parser, BytesMessage.Parser);

    private static Method<TRequest, TResponse> Define<TRequest, TResponse>(
        MethodType type, string service, string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>, IBufferMessage
        where TResponse : class, IMessage<TResponse>, IBufferMessage =>
        new(type, service, name, Marshal(requests), Marshal(responses));

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser) where T : class, IMessage<T>, IBufferMessage => new(
        static (message, context) =>
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        },
        context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
