using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class PullTests(EmbeddedHub hub) : PullGroup<EmbeddedHub>(hub);
