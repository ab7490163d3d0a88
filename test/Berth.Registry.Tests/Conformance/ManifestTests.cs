using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

public sealed class ManifestTests(EmbeddedHub hub) : ManifestGroup<EmbeddedHub>(hub);
