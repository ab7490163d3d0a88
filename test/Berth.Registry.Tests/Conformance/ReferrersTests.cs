using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ReferrersTests(EmbeddedHub hub) : ReferrersGroup<EmbeddedHub>(hub);
