using System.Runtime.CompilerServices;

// Signatures are blittable: calls stay plain calls, which is all that works before the runtime has started.
[assembly: DisableRuntimeMarshalling]

// stackalloc is not cleared: whoever needs zeros writes them.
[module: SkipLocalsInit]
