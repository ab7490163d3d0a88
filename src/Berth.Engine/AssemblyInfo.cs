using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Berth.Engine.Tests")]
