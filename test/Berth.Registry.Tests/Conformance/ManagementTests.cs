using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManagementTests(EmbeddedHub hub) : ManagementGroup<EmbeddedHub>(hub);
