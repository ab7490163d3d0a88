using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Berth.Faults;
using Berth.Oci.Json;
using Berth.Oci.Runtime;

namespace Berth.Oci.Tests;

/// <summary>The reader of runtime configurations beside the serializer that writes them: not a field is forgotten or misread.</summary>
public sealed class RuntimeSpecJsonTests
{
    [Fact]
    public void Read_EveryField_AsItWasWritten()
    {
        int value = 0;
        AssertSame((RuntimeSpec)Filled(typeof(RuntimeSpec), () => ++value, _ => true)!);
    }

    [Fact]
    public void Read_AnyFields_AsTheyWereWritten()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            AssertSame((RuntimeSpec)Filled(typeof(RuntimeSpec), () => random.Next(1, 60_000), _ => random.Next(3) > 0)!);
        }
    }

    [Fact]
    public void Read_Extremes_Exactly()
    {
        const string json = """
            {"process":{"oomScoreAdj":-2147483648,"rlimits":[{"type":"x","hard":18446744073709551615,"soft":0}],"user":{"uid":4294967295}},
            "unknown":{"a":[1,{"b":null}]},
            "linux":{"resources":{"memory":{"limit":-1,"swap":9223372036854775807},"blockIO":{"weight":65535}}}}
            """;
        RuntimeSpec spec = Read(json);
        Assert.Equal(
            (int.MinValue, ulong.MaxValue, uint.MaxValue),
            (spec.Process!.OomScoreAdj, spec.Process.Rlimits![0].Hard, spec.Process.User.Uid));
        LinuxResources resources = spec.Linux!.Resources!;
        Assert.Equal((-1L, long.MaxValue, ushort.MaxValue), (resources.Memory!.Limit, resources.Memory.Swap, resources.BlockIO!.Weight));
    }

    [Theory]
    [InlineData("{\"process\":{\"args\":[\"sh\",7]}}", "process.args[1]: a text is expected, not 7")]
    [InlineData("{\"process\":{\"user\":{\"gid\":4294967296}}}",
        "process.user.gid: a whole number from 0 to 4294967295 is expected, not 4294967296")]
    [InlineData("{\"process\":{\"terminal\":\"yes\"}}", "process.terminal: true or false is expected, not a text")]
    [InlineData("{\"process\":{\"terminal\":null}}", "process.terminal: a value is expected, not null")]
    [InlineData("{\"linux\":{\"resources\":{\"pids\":{\"limit\":1.5}}}}", "linux.resources.pids.limit: a whole number from ")]
    [InlineData("{\"mounts\":[{\"options\":[]},{\"options\":{}}]}", "mounts[1].options: a list is expected, not an object")]
    [InlineData("{\"mounts\":[{},[]]}", "mounts[1]: an object is expected, not a list")]
    [InlineData("{\"linux\":{\"sysctl\":{\"a\":\"1\",\"b\":null}}}", "linux.sysctl.b: a list or map in it has an entry that is null")]
    [InlineData("{\"hooks\":{\"prestart\":[null]}}", "hooks.prestart[0]: a list or map in it has an entry that is null")]
    [InlineData("[]", "the document: an object is expected, not a list")]
    [InlineData("null", "the document is null")]
    [InlineData("{\"hostname\":\"\\ud800\"}", "a text in it is no valid UTF-8")]
    [InlineData("{\"\\ud800\":1,\"annotations\":{\"\\udc00\":\"\"}}", "a text in it is no valid UTF-8")]
    [InlineData("{\"\\udc00x\":{\"process\":[]},\"process\":[]}", "a")]
    [InlineData("{} {}", "it is no JSON at line 1, byte 4")]
    [InlineData("{\n\"a\":1", "it is no JSON at line 2, byte ")]
    [InlineData("", "it is no JSON at line 1, byte 1")]
    public void Read_Wrong_SaysWhere(string json, string said)
    {
        FaultException fault = Assert.Throws<FaultException>(() => Read(json));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.StartsWith("read config.json: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"hostname\":\"a\u0080\"}")]
    [InlineData("{\"process\":{\"args\":[\"\u00ff\"]}}")]
    [InlineData("{\"annotations\":{\"\u00c3\":\"\"}}")]
    [InlineData("{\"\u00e2\":{},\"process\":{\"args\":[7]}}")]
    public void Read_BytesThatAreNoUtf8_IsInvalidArgument(string latin) => Assert.Equal(
        FaultKind.InvalidArgument,
        Assert.Throws<FaultException>(() => RuntimeJson.ReadSpec(Encoding.Latin1.GetBytes(latin), "config.json")).Kind);

    [Fact]
    public void Read_TooLargeOrTooDeep_IsInvalidArgument()
    {
        string large = new(' ', OciJson.DocumentBytesMax + 1);
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => Read(large)).Kind);
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000));
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => Read(deep)).Kind);
    }

    [Fact]
    public void FieldWriter_Writes_WhatAnyReaderReads()
    {
        string odd = "\"\\/\b\n\t\u0001\u007f ü\U0001F40B</script>";
        byte[] bytes = new FieldWriter().Begin().Text("a" + odd, odd).Text("none", null)
            .Number("n", long.MinValue).Number("u", ulong.MaxValue)
            .Flag("f", true).Texts("l", [odd, ""]).Texts("e", []).Map("m", new Dictionary<string, string> { ["k"] = odd })
            .BeginList("o").Begin().End().Begin().Flag("x", false).End().EndList().End().ToBytes();
        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement root = document.RootElement;
        Assert.Equal(8, root.EnumerateObject().Count());
        Assert.Equal(odd, root.GetProperty("a" + odd).GetString());
        Assert.Equal((long.MinValue, ulong.MaxValue), (root.GetProperty("n").GetInt64(), root.GetProperty("u").GetUInt64()));
        Assert.True(root.GetProperty("f").GetBoolean());
        Assert.Equal([odd, ""], root.GetProperty("l").EnumerateArray().Select(text => text.GetString()!));
        Assert.Equal(0, root.GetProperty("e").GetArrayLength());
        Assert.Equal(odd, root.GetProperty("m").GetProperty("k").GetString());
        Assert.False(root.GetProperty("o")[1].GetProperty("x").GetBoolean());
    }

    private static RuntimeSpec Read(string json) => RuntimeJson.ReadSpec(Encoding.UTF8.GetBytes(json), "config.json");

    private static void AssertSame(RuntimeSpec spec)
    {
        byte[] written = JsonSerializer.SerializeToUtf8Bytes(spec, RuntimeJson.Spec);
        byte[] again = JsonSerializer.SerializeToUtf8Bytes(RuntimeJson.ReadSpec(written, "x"), RuntimeJson.Spec);
        Assert.Equal(Encoding.UTF8.GetString(written), Encoding.UTF8.GetString(again));
    }

    // A value of a type with everything in it that is kept.
    private static object? Filled(Type type, Func<int> next, Func<PropertyInfo, bool> keeps)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return $"ü{next()}\"";
        if (type == typeof(bool))
            return true;
        if (type.IsPrimitive)
            return Convert.ChangeType(next(), type, System.Globalization.CultureInfo.InvariantCulture);
        if (type.IsGenericType)
        {
            Type[] of = type.GetGenericArguments();
            if (type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            {
                var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(of))!;
                list.Add(Filled(of[0], next, keeps));
                list.Add(Filled(of[0], next, keeps));
                return list;
            }
            var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(of))!;
            map[$"k{next()}"] = Filled(of[1], next, keeps);
            return map;
        }
        object made = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(keeps))
            property.SetValue(made, Filled(property.PropertyType, next, keeps));
        return made;
    }
}
