using System.Runtime.CompilerServices;

// Signatures are blittable: the generated stubs stay a plain call.
[assembly: DisableRuntimeMarshalling]
