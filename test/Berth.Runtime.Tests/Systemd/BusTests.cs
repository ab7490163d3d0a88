using Berth.Faults;
using Berth.Runtime.Bus;

namespace Berth.Runtime.Tests.Systemd;

/// <summary>The bytes of D-Bus: ours against those that the specification prescribes, and strangers'.</summary>
public sealed class BusTests
{
    private static readonly BusMessage s_call = new()
    {
        Kind = BusMessageKind.Call, Serial = 1, Destination = "org.freedesktop.DBus", Path = "/org/freedesktop/DBus",
        Interface = "org.freedesktop.DBus", Member = "Hello",
    };

    // As dbus-send and systemctl send it, field for field.
    private const string HelloBytes =
        "6c010001" + "00000000" + "01000000" + "6d000000"
        + "01016f00" + "15000000" + "2f6f72672f667265656465736b746f702f4442757300" + "0000"
        + "02017300" + "14000000" + "6f72672e667265656465736b746f702e4442757300" + "000000"
        + "03017300" + "05000000" + "48656c6c6f00" + "0000"
        + "06017300" + "14000000" + "6f72672e667265656465736b746f702e4442757300" + "000000";

    [Fact]
    public void Message_Hello_HasTheSpecificationsBytes() =>
        Assert.Equal(HelloBytes, Convert.ToHexStringLower(s_call.ToBytes()));

    [Fact]
    public void Message_WithValues_ComesBackAsItWent()
    {
        BusValue[] body =
        [
            BusValue.Of("naïve"), BusValue.Of(true), BusValue.Of(5u), BusValue.Of(ulong.MaxValue), BusValue.Of([1, 2, 255]),
            BusValue.Array("(sv)", [BusValue.Tuple(BusValue.Of("a"), new BusVariant(BusValue.Array("(ss)", [])))]),
            BusValue.Array("t", []), new BusText("o", "/a"), new BusText("g", "a(sv)"), new BusNumber("y", 9), new BusNumber("x", ulong.MaxValue),
        ];
        BusMessage message = s_call with { Body = body };
        BusMessage back = BusMessage.Parse(message.ToBytes());
        Assert.Equal("['naïve' true 5 18446744073709551615 [1, 2, 255] [('a', <[]>)] [] '/a' 'a(sv)' 9 -1]", $"[{string.Join(' ', back.Body)}]");
        Assert.Equal(message.ToBytes(), (back with { Serial = 1 }).ToBytes());
    }

    [Fact]
    public void Parse_CutAnywhere_IsRefused()
    {
        byte[] whole = (s_call with { Body = [BusValue.Of("text"), BusValue.Of(5ul)] }).ToBytes();
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<FaultException>(() => BusMessage.Parse(whole.AsSpan(0, length)));
    }

    [Theory]
    [InlineData("42010001000000000100000000000000")] // big-endian
    [InlineData("6c010002000000000100000000000000")] // a version to come
    [InlineData("6c010001ffffffff0100000000000000")] // longer than is taken
    [InlineData("6c01000100000000010000000f000000")] // fields that are not there
    public void Parse_WrongBeginning_IsRefused(string hex) =>
        Assert.Throws<FaultException>(() => BusMessage.Parse(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("a{sv}", 5)]
    [InlineData("(s(ii)av)u", 9)]
    [InlineData("as", 2)]
    public void Signature_FirstType_HasItsLength(string signature, int length) => Assert.Equal(length, BusSignature.LengthOfFirst(signature));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("(s")]
    [InlineData("()")]
    [InlineData("z")]
    public void Signature_NoType_IsRefused(string signature) => Assert.Throws<FaultException>(() => BusSignature.LengthOfFirst(signature));

    [Fact]
    public void Signature_TooDeep_IsRefused() => Assert.Throws<FaultException>(() => BusSignature.LengthOfFirst(new string('a', 250) + "s"));

    [Theory]
    [InlineData("unix:path=/run/user/1000/bus", "unix:path=/run/user/1000/bus")]
    [InlineData("tcp:host=x;unix:abstract=/tmp/dbus-%41b,guid=7", "unix:abstract=/tmp/dbus-Ab")]
    public void Address_UnixSocket_IsFound(string list, string address) => Assert.Equal(address, BusAddress.Parse(list).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("tcp:host=localhost,port=1")]
    [InlineData("unix:tmpdir=/tmp")]
    [InlineData("unix:path=/a%4")]
    public void Address_Other_IsRefused(string list) => Assert.Throws<FaultException>(() => BusAddress.Parse(list));
}
