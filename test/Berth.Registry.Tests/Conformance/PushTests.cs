using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PushTests(EmbeddedHub hub) : PushGroup<EmbeddedHub>(hub);
