namespace Berth.Registry.Protocol;

/// <summary>The error codes of the protocol, named as they are on the wire.</summary>
/// <remarks>distribution-spec 1.1 "Error Codes", and two for what is nobody's mistake but the hub's.</remarks>
public enum RegistryCode
{
    /// <summary>404: the blob is not in this repository.</summary>
    BLOB_UNKNOWN,

    /// <summary>400, or 416 for bytes out of order: the upload cannot go on like this.</summary>
    BLOB_UPLOAD_INVALID,

    /// <summary>404: there is no such upload in this repository.</summary>
    BLOB_UPLOAD_UNKNOWN,

    /// <summary>400: not a digest, or not that of the content.</summary>
    DIGEST_INVALID,

    /// <summary>404: the manifest needs a blob that is not in this repository.</summary>
    MANIFEST_BLOB_UNKNOWN,

    /// <summary>400: not a manifest.</summary>
    MANIFEST_INVALID,

    /// <summary>404: the manifest is not in this repository.</summary>
    MANIFEST_UNKNOWN,

    /// <summary>400: not a name of a repository.</summary>
    NAME_INVALID,

    /// <summary>404: no such repository, as far as the caller may know.</summary>
    NAME_UNKNOWN,

    /// <summary>400, or 413 for too much: the length is not the one that was said.</summary>
    SIZE_INVALID,

    /// <summary>401: signing in would help.</summary>
    UNAUTHORIZED,

    /// <summary>403: the caller may not do this.</summary>
    DENIED,

    /// <summary>405: not offered.</summary>
    UNSUPPORTED,

    /// <summary>429: later.</summary>
    TOOMANYREQUESTS,

    /// <summary>503: a part of the hub is missing now.</summary>
    UNAVAILABLE,

    /// <summary>500: a mistake of the hub's.</summary>
    UNKNOWN,
}
