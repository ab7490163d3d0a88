using Berth.Faults;
using Berth.Runtime.Bus;
using Berth.Runtime.Systemd;

namespace Berth.Runtime.Tests.Systemd;

/// <summary>What is said to systemd and what is made of its answers, with one that is scripted.</summary>
public sealed class SystemdManagerTests : IDisposable
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(20), s_short = TimeSpan.FromSeconds(3);
    private static readonly UnitProperty[] s_settings =
        [new("Slice", BusValue.Of("a.slice")), new("PIDs", BusValue.Array("u", [BusValue.Of(5u)])), new("MemoryMax", BusValue.Of(7ul))];

    private readonly BusPeer _peer = new();

    public void Dispose() => _peer.Dispose();

    private SystemdManager Connect(TimeSpan? patience = null, bool isUser = true) =>
        SystemdManager.Connect(isUser, _peer.Variable, patience ?? s_long);

    [Fact]
    public void Connect_AsksWhatItHasToKnow()
    {
        using SystemdManager manager = Connect();
        Assert.Equal((252, "/user.slice/me"), (manager.Version, manager.ControlGroup));
        Assert.Equal(["Hello", "Get", "Get"], _peer.Calls.Select(call => call.Member));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Start_WaitsForItsOwnJob(bool signalsFirst)
    {
        _peer.SignalsFirst = signalsFirst;
        using SystemdManager manager = Connect();
        manager.Start("x.scope", s_settings);
        BusMessage call = _peer.Calls[^1];
        Assert.Equal("StartTransientUnit ssa(sv)a(sa(sv)) 'x.scope' 'replace'",
            $"{call.Member} {string.Concat(call.Body.Select(value => value.Signature))} {call.Body[0]} {call.Body[1]}");
        Assert.Equal("[('Slice', <'a.slice'>), ('PIDs', <[5]>), ('MemoryMax', <7>)]", _peer.SettingsOf("StartTransientUnit"));
        Assert.Equal(["AddMatch", "Subscribe", "StartTransientUnit"], _peer.Calls.Skip(3).Select(asked => asked.Member));
        Assert.Contains("member='JobRemoved'", _peer.Calls[3].FirstText, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_JobThatFails_IsSaidAndCleared()
    {
        _peer.JobResult = "failed";
        using SystemdManager manager = Connect();
        FaultException fault = Assert.Throws<FaultException>(() => manager.Start("x.scope", s_settings));
        Assert.Contains("x.scope: the job ended with failed", fault.Message, StringComparison.Ordinal);
        Assert.Equal("ResetFailedUnit", _peer.Calls[^1].Member);
    }

    [Fact]
    public void Start_UnitThatFailedBefore_IsClearedAndMadeAnew()
    {
        _peer.Script.Enqueue(("StartTransientUnit", BusPeer.UnitExists));
        using SystemdManager manager = Connect();
        manager.Start("x.scope", s_settings);
        Assert.Equal(["StartTransientUnit", "ResetFailedUnit", "StartTransientUnit"], _peer.Calls.TakeLast(3).Select(call => call.Member));
    }

    [Fact]
    public void Start_UnitThatIsThere_IsConflict()
    {
        _peer.Script.Enqueue(("StartTransientUnit", BusPeer.UnitExists));
        _peer.Script.Enqueue(("StartTransientUnit", BusPeer.UnitExists));
        using SystemdManager manager = Connect();
        Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(() => manager.Start("x.scope", s_settings)).Kind);
    }

    [Theory]
    [InlineData("StartTransientUnit", "org.freedesktop.DBus.Error.PropertyReadOnly", FaultKind.Internal, "scripted")]
    [InlineData("StartTransientUnit", "hang up", FaultKind.Unavailable, "the connection was closed")]
    [InlineData("StartTransientUnit", "silence", FaultKind.Unavailable, "no answer in time")]
    [InlineData("StartTransientUnit", "garbage", FaultKind.InvalidArgument, "another byte order or version")]
    public void Start_WhateverItAnswers_EndsInWords(string method, string answer, FaultKind kind, string words)
    {
        _peer.Script.Enqueue((method, answer));
        using SystemdManager manager = Connect(answer == "silence" ? s_short : s_long);
        FaultException fault = Assert.Throws<FaultException>(() => manager.Start("x.scope", s_settings));
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_JobWithoutEnd_IsGivenUp()
    {
        _peer.JobResult = "never";
        using SystemdManager manager = Connect(s_short);
        Assert.Equal(FaultKind.Unavailable, Assert.Throws<FaultException>(() => manager.Start("x.scope", s_settings)).Kind);
    }

    [Fact]
    public void Stop_UnitThatIsGone_IsDone()
    {
        _peer.Script.Enqueue(("StopUnit", BusPeer.NoSuchUnit));
        using SystemdManager manager = Connect();
        manager.Stop("x.scope");
        manager.Stop("x.scope");
        Assert.Equal(["StopUnit", "StopUnit", "ResetFailedUnit"], _peer.Calls.TakeLast(3).Select(call => call.Member));
    }

    [Fact]
    public void Set_IsForThisBoot()
    {
        using SystemdManager manager = Connect();
        manager.Set("x.scope", [new UnitProperty("TasksMax", BusValue.Of(ulong.MaxValue))]);
        Assert.Equal("'x.scope' true [('TasksMax', <18446744073709551615>)]", string.Join(' ', _peer.Calls[^1].Body));
        _peer.Script.Enqueue(("SetUnitProperties", "org.freedesktop.DBus.Error.InvalidArgs"));
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => manager.Set("x.scope", [])).Kind);
    }

    [Theory]
    [InlineData("REJECTED EXTERNAL\r\n", "it refuses this user: REJECTED EXTERNAL")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", "it refuses this user: HTTP/1.1 400 Bad Request")]
    public void Connect_WhoeverAnswers_EndsInWords(string welcome, string words)
    {
        _peer.Welcome = welcome;
        FaultException fault = Assert.Throws<FaultException>(() => Connect());
        Assert.Equal(FaultKind.Unavailable, fault.Kind);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, null, "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")]
    [InlineData(true, "unix:path=/not/there", "/not/there")]
    [InlineData(false, "unix:abstract=/not/there", "/not/there")]
    public void Connect_NobodyThere_SaysWhatToDo(bool isUser, string? address, string words)
    {
        FaultException fault = Assert.Throws<FaultException>(() => SystemdManager.Connect(isUser,
            name => name.EndsWith("_BUS_ADDRESS", StringComparison.Ordinal) ? address : null, s_short));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.Contains("use the cgroupfs driver", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("252.39-1~deb12u2", 252)]
    [InlineData("v245.4-1.fc32", 245)]
    [InlineData("\"v219\"", 219)]
    [InlineData("", 0)]
    [InlineData("99999999999999", 0)]
    public void Version_IsTheFirstNumber(string text, int version) => Assert.Equal(version, SystemdManager.VersionOf(text));
}
