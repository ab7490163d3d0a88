using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Berth.Api;
using Berth.Cli.Running;

namespace Berth.Cli.Tests;

/// <summary>Bodies written straight are the bodies that the serializer writes, whatever is set and whatever is not.</summary>
public sealed class RequestJsonTests
{
    [Fact]
    public void Creation_EmptyAndFull_IsAsTheSerializerWritesIt()
    {
        Compare(new CreateContainerRequest());
        Compare(new CreateContainerRequest { HostConfig = new HostConfig(), NetworkingConfig = new NetworkingConfig() });
        CreateContainerRequest full = (CreateContainerRequest)Fill(typeof(CreateContainerRequest), 0)!;
        Assert.NotNull(full.Shell);
        Assert.NotNull(full.HostConfig?.Mounts);
        Compare(full);
    }

    [Fact]
    public void Exec_EmptyAndFull_IsAsTheSerializerWritesIt()
    {
        foreach (ExecCreateRequest request in (ExecCreateRequest[])[new(), (ExecCreateRequest)Fill(typeof(ExecCreateRequest), 0)!])
            Same(JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Wire.ExecCreateRequest), RequestJson.Of(request));
        foreach (ExecStartRequest request in (ExecStartRequest[])[new(), (ExecStartRequest)Fill(typeof(ExecStartRequest), 0)!])
            Same(JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Wire.ExecStartRequest), RequestJson.Of(request));
    }

    private static void Compare(CreateContainerRequest request) =>
        Same(JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Wire.CreateContainerRequest), RequestJson.Of(request));

    // The order of members does not matter to anybody, so they are compared as documents.
    private static void Same(byte[] expected, byte[] actual)
    {
        using JsonDocument left = JsonDocument.Parse(expected);
        using JsonDocument right = JsonDocument.Parse(actual);
        Assert.True(JsonElement.DeepEquals(left.RootElement, right.RootElement),
            $"{Encoding.UTF8.GetString(expected)}\n{Encoding.UTF8.GetString(actual)}");
    }

    /// <summary>A value of a type with every property set to something that is not its default.</summary>
    private static object? Fill(Type type, int depth)
    {
        Type bare = Nullable.GetUnderlyingType(type) ?? type;
        if (depth > 6)
            return null;
        if (bare == typeof(string))
            return "text \"<>\u00e4";
        if (bare == typeof(bool))
            return true;
        if (bare.IsEnum)
            return Enum.GetValues(bare).GetValue(Enum.GetValues(bare).Length - 1);
        if (bare.IsPrimitive)
            return Convert.ChangeType(7, bare, System.Globalization.CultureInfo.InvariantCulture);
        if (bare == typeof(DateTimeOffset))
            return DateTimeOffset.UnixEpoch;
        if (bare.IsGenericType)
            return FillCollection(bare, depth);
        object made = Activator.CreateInstance(bare)!;
        foreach (PropertyInfo property in bare.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static p => p.CanWrite))
            property.SetValue(made, Fill(property.PropertyType, depth + 1));
        return made;
    }

    private static object FillCollection(Type type, int depth)
    {
        Type[] arguments = type.GetGenericArguments();
        if (arguments.Length == 2)
        {
            IDictionary map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
            map["key"] = Fill(arguments[1], depth + 1);
            return map;
        }
        IList list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(arguments))!;
        list.Add(Fill(arguments[0], depth + 1));
        return list;
    }
}
