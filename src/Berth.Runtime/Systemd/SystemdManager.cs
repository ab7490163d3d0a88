using System.Globalization;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Runtime.Bus;

namespace Berth.Runtime.Systemd;

/// <summary>The service manager of the machine, or of a user, for one operation.</summary>
/// <remarks>org.freedesktop.systemd1(5). Root talks to systemd itself, where that listens, and needs no bus then.</remarks>
internal sealed class SystemdManager : IDisposable
{
    // runc waits as long for a job.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private const string Service = "org.freedesktop.systemd1", Root = "/org/freedesktop/systemd1";
    private const string Interface = "org.freedesktop.systemd1.Manager", Properties = "org.freedesktop.DBus.Properties";
    private const string UnitExists = "org.freedesktop.systemd1.UnitExists", NoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";
    private const string PrivateSocket = "/run/systemd/private", SystemBus = "/run/dbus/system_bus_socket";

    private readonly BusConnection _connection;
    private readonly string _service;

    private SystemdManager(BusConnection connection, bool isBus)
    {
        _connection = connection;
        // Without a bus between there are no names.
        _service = isBus ? Service : "";
        uint version = Get("Version"), group = Get("ControlGroup");
        Version = VersionOf(TextOf(version));
        ControlGroup = TextOf(group).TrimEnd('/');
    }

    /// <summary>True where a user's manager is asked: without the machine's root.</summary>
    public static bool IsUser => !UserNamespace.IsMachinesRoot;

    /// <summary>Its version's number.</summary>
    public int Version { get; }

    /// <summary>The cgroup that all its units are below; empty: the root.</summary>
    public string ControlGroup { get; }

    /// <summary>Connects to the manager of the machine, or without the machine's root of the user.</summary>
    /// <exception cref="FaultException">Unavailable: no systemd is there to be talked to.</exception>
    public static SystemdManager Connect() => Connect(IsUser, Environment.GetEnvironmentVariable, s_patience);

    /// <summary>Connects as an environment says.</summary>
    public static SystemdManager Connect(bool isUser, Func<string, string?> variable, TimeSpan patience)
    {
        List<string> refusals = [];
        foreach ((BusAddress address, bool isBus) in Addresses(isUser, variable))
        {
            try
            {
                BusConnection connection = BusConnection.Open(address, isBus, patience);
                try
                {
                    return new SystemdManager(connection, isBus);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            }
            catch (Exception refused) when (refused is LinuxException or FaultException or BusException)
            {
                refusals.Add(refused.Message);
            }
        }
        string reason = refusals.Count > 0 ? string.Join("; ", refusals) : "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set";
        throw FaultException.Unavailable(isUser
            ? $"the user's systemd cannot be reached: {reason}: start a session (loginctl enable-linger), or use the cgroupfs driver"
            : $"systemd cannot be reached: {reason}: use the cgroupfs driver where no systemd runs");
    }

    // An address that somebody named stands alone: falling back to another manager would be a surprise.
    private static IEnumerable<(BusAddress Address, bool IsBus)> Addresses(bool isUser, Func<string, string?> variable)
    {
        if (variable(isUser ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS") is { Length: > 0 } named)
            yield return (BusAddress.Parse(named), true);
        else if (!isUser)
        {
            yield return (new BusAddress(PrivateSocket), false);
            yield return (new BusAddress(SystemBus), true);
        }
        else if (variable("XDG_RUNTIME_DIR") is { Length: > 0 } directory)
        {
            yield return (new BusAddress($"{directory}/systemd/private"), false);
            yield return (new BusAddress($"{directory}/bus"), true);
        }
    }

    /// <summary>Makes a unit for as long as it has processes, and waits until it is there.</summary>
    /// <exception cref="FaultException">Conflict: there is one of that name.
    /// Internal: it cannot be made. Unavailable: no answer.</exception>
    public void Start(string unit, IReadOnlyList<UnitProperty> properties)
    {
        string what = $"start systemd unit {unit}";
        string result;
        try
        {
            result = RunJob("StartTransientUnit", unit, UnitProperty.ToArray(properties), BusValue.Array("(sa(sv))", []));
        }
        catch (BusException exists) when (exists.Name == UnitExists)
        {
            // One that has failed stays until somebody says that he has seen it.
            ResetFailed(unit);
            try
            {
                result = RunJob("StartTransientUnit", unit, UnitProperty.ToArray(properties), BusValue.Array("(sa(sv))", []));
            }
            catch (BusException again)
            {
                throw new FaultException(again.Name == UnitExists ? FaultKind.Conflict : FaultKind.Internal,
                    $"{what}: {again.Message}", again);
            }
        }
        catch (BusException refused)
        {
            throw FaultException.Internal($"{what}: {refused.Message}", refused);
        }
        if (result == "done")
            return;
        ResetFailed(unit);
        throw FaultException.Internal($"{what}: the job ended with {result}: journalctl -u {unit} may say why");
    }

    /// <summary>Ends a unit and what is in it; nothing when there is none.</summary>
    /// <exception cref="FaultException">Internal: it cannot be ended. Unavailable: no answer in time.</exception>
    public void Stop(string unit)
    {
        try
        {
            RunJob("StopUnit", unit);
        }
        catch (BusException gone) when (gone.Name == NoSuchUnit)
        {
            return;
        }
        catch (BusException refused)
        {
            throw FaultException.Internal($"stop systemd unit {unit}: {refused.Message}", refused);
        }
        ResetFailed(unit);
    }

    /// <summary>Changes settings of a unit until it ends.</summary>
    /// <exception cref="FaultException">InvalidArgument: a setting is refused. Unavailable: no answer.</exception>
    public void Set(string unit, IReadOnlyList<UnitProperty> properties)
    {
        try
        {
            Call("SetUnitProperties", BusValue.Of(unit), BusValue.Of(true), UnitProperty.ToArray(properties));
        }
        catch (BusException refused)
        {
            throw FaultException.Invalid($"set properties of systemd unit {unit}: {refused.Message}", refused);
        }
    }

    private void ResetFailed(string unit)
    {
        try
        {
            Call("ResetFailedUnit", BusValue.Of(unit));
        }
        catch (BusException)
        {
            // It has not failed, or is gone: what is wanted.
        }
    }

    // The signal may come before the answer that names the job: it is kept until then.
    private string RunJob(string method, string unit, params IReadOnlyList<BusValue> more)
    {
        if (!_listens)
        {
            if (_service.Length > 0)
                _connection.Match(Service, Root, Interface, "JobRemoved");
            Call("Subscribe");
            _listens = true;
        }
        string job = Call(method, [BusValue.Of(unit), BusValue.Of("replace"), .. more]).FirstText;
        BusMessage end = _connection.Await(signal => signal.Member == "JobRemoved" && signal.Interface == Interface
            && signal.Body is [_, BusText path, ..] && path.Text == job);
        return end.Body is [_, _, _, BusText result, ..] ? result.Text : "no result";
    }

    private bool _listens;

    private BusMessage Call(string method, params IReadOnlyList<BusValue> arguments) =>
        _connection.Call(_service, Root, Interface, method, arguments);

    private uint Get(string property) =>
        _connection.Begin(_service, Root, Properties, "Get", BusValue.Of(Interface), BusValue.Of(property));

    private string TextOf(uint call) => _connection.Answer(call).Body is [BusVariant { Value: BusText text }] ? text.Text : "";

    /// <summary>The number in <c>252.39-1~deb12u2</c> or <c>v245-1.fc32</c>; 0: there is none.</summary>
    public static int VersionOf(string text)
    {
        string digits = new([.. text.TrimStart('"', 'v').TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, CultureInfo.InvariantCulture, out int version) ? version : 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();
}
