using System.Collections;
using System.Reflection;
using System.Text;
using Berth.Faults;
using Berth.Oci.Json;
using Berth.Oci.Runtime;

namespace Berth.Oci.Tests;

/// <summary>Runtime configurations that say little read as if they said the defaults: nothing that is never null is null.</summary>
public sealed class RuntimeDocumentTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{\"process\":{},\"root\":{},\"mounts\":[{}],\"hooks\":{\"prestart\":[{}],\"poststop\":[{}]},\"linux\":{}}")]
    [InlineData("{\"process\":{\"user\":null,\"args\":null,\"cwd\":null,\"rlimits\":[{}],\"capabilities\":{},\"consoleSize\":{}}}")]
    [InlineData("{\"linux\":{\"namespaces\":[{}],\"devices\":[{}],\"uidMappings\":[{}],\"seccomp\":{\"syscalls\":[{\"args\":[{}]}]},"
        + "\"resources\":{\"devices\":[{}],\"memory\":{},\"cpu\":{},\"pids\":{},\"blockIO\":{\"throttleReadBpsDevice\":[{}]},"
        + "\"hugepageLimits\":[{}],\"network\":{},\"unified\":{}}}}")]
    public void Read_Partial_HasItsDefaults(string json)
    {
        RuntimeSpec spec = RuntimeJson.ReadSpec(Encoding.UTF8.GetBytes(json), "x");
        AssertNoNull(spec, "spec", new NullabilityInfoContext());
        Assert.Equal("1.2.0", spec.OciVersion);
        if (spec.Process is { } process)
            Assert.Equal(("/", 0u), (process.Cwd, process.User.Uid));
    }

    [Theory]
    [InlineData("{\"mounts\":[null]}")]
    [InlineData("{\"process\":{\"args\":[\"sh\",null]}}")]
    [InlineData("{\"linux\":{\"seccomp\":{\"syscalls\":[{\"names\":[null]}]}}}")]
    [InlineData("{\"mounts\":{}}")]
    [InlineData("{\"process\":{\"user\":{\"uid\":-1}}}")]
    [InlineData("{\"mounts\":")]
    public void Read_Hostile_IsInvalidArgument(string json) => Assert.Equal(
        FaultKind.InvalidArgument,
        Assert.Throws<FaultException>(() => RuntimeJson.ReadSpec(Encoding.UTF8.GetBytes(json), "x")).Kind);

    private static void AssertNoNull(object record, string path, NullabilityInfoContext context)
    {
        foreach (PropertyInfo property in record.GetType().GetProperties().Where(one => one.GetIndexParameters().Length == 0))
        {
            object? value = property.GetValue(record);
            string where = $"{path}.{property.Name}";
            Assert.True(value is not null || context.Create(property).ReadState == NullabilityState.Nullable, $"{where} is null");
            if (value is IEnumerable items and not string)
            {
                foreach (object item in items)
                {
                    if (item.GetType().Namespace == typeof(RuntimeSpec).Namespace)
                        AssertNoNull(item, where + "[]", context);
                }
            }
            else if (value?.GetType().Namespace == typeof(RuntimeSpec).Namespace)
            {
                AssertNoNull(value!, where, context);
            }
        }
    }
}
