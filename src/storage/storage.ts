import type { Bytes } from '../core/ports.ts'

/**
 * Storage keeps named blobs. It knows nothing of encryption, manifests or apps.
 *
 * Every implementation guarantees, and `testing/contract.ts` checks:
 * - whole or absent: no reader or listing ever sees part of a blob, even if `put` fails or the process is killed;
 * - create-only: `put` of a name that exists fails with `refused` and leaves the blob as it was
 *   (a storage that cannot promise this between two writers says so in `features`);
 * - read your writes: after `put` resolves, `get`, `stat` and `list` see the blob;
 * - durable: after `put` resolves, the blob survives power loss as far as the medium promises.
 *
 * Names are `/`-separated segments of `[A-Za-z0-9._-]`, at most 255 bytes, no segment is `.` or `..` or starts with a
 * dot; anything else fails with `usage`. A missing blob is a `notFound` failure. A server or medium that cannot be
 * reached is `unreachable`, missing rights `denied`, a full medium `refused`, something that a server does not do, or in
 * another way than its kind, `unsupported`, and bytes that are not those that were stored `corrupt`. Implementations
 * do not retry a whole call; the `retrying` wrapper does. Within a put or a
 * read, which cannot be called again from where they were, they may repeat single requests.
 */
export interface Storage {
  /** Where the blobs are, for people; never contains credentials. */
  readonly location: string
  readonly features: StorageFeatures

  /**
   * Stores a blob. A stream that throws aborts the put, leaves nothing, and the same error is thrown on.
   * Memory is bounded whatever the length of the stream.
   */
  put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo>

  /**
   * Reads a blob or a range of it. A chunk is overwritten, or its memory given back, once the next is asked for. Fails with `corrupt` if the range is not wholly inside the blob, or if the stream
   * ends before the length that was announced; with `unreachable` if the connection broke and could not be resumed.
   */
  get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes>

  stat(name: string, signal: AbortSignal): Promise<BlobInfo>

  /**
   * Lists all blobs whose name starts with `prefix`, in name order (by UTF-16 code unit), each once.
   */
  list(prefix: string, signal: AbortSignal, options?: ListOptions): AsyncIterable<BlobInfo>

  /** Removes a blob. Removing a missing blob succeeds, so that a removal that was cut off can be run again. */
  remove(name: string, signal: AbortSignal): Promise<void>

  /** The storage's own clock. It, not ours, decides how old a blob is. */
  now(signal: AbortSignal): Promise<Date>

  /**
   * How many bytes may still be stored, as far as the medium tells. Fails as a `put` would where nothing can be stored.
   * Stores nothing itself. Absent, or undefined, where nobody can tell.
   */
  free?(signal: AbortSignal): Promise<number | undefined>

  /**
   * Ends unfinished uploads that were started before `olderThan` by the storage's clock, and gives how many. They are
   * what a `put` leaves behind when its process is killed: no reader sees them, but they take space. Absent where
   * nothing can be left behind.
   */
  tidy?(olderThan: Date, signal: AbortSignal): Promise<number>
}

export interface ListOptions {
  /** How many are asked for at once where a server lists in pages; changes nothing else. */
  readonly pageSize?: number
  /**
   * Told of what is under the prefix and is no blob. Without it, one that cannot be looked at fails the listing; with it
   * the others are listed.
   */
  readonly onOther?: (other: OtherEntry) => void
}

/** Something among the blobs that is none, as folders have it: a folder, a link, or what cannot be looked at. */
export interface OtherEntry {
  readonly name: string
  readonly what: 'folder' | 'link' | 'device' | 'unread'
  /** As the end of a sentence that begins with the name. */
  readonly message: string
}

export interface BlobInfo {
  readonly name: string
  readonly size: number
  /** When the blob was stored, by the storage's clock. */
  readonly modified: Date
}

export interface ByteRange {
  readonly offset: number
  /** To the end of the blob when absent. */
  readonly length?: number
}

export interface StorageFeatures {
  /** Whether two writers racing on one name are kept apart. Without it only one writer may use the repository. */
  readonly createOnly: boolean
  /** What is marked on every point that is made with this storage, for example `insecure TLS`. */
  readonly remarks: readonly string[]
  /** Blobs of more bytes are stored by other requests than smaller ones; absent where all are stored alike. */
  readonly partsAbove?: number
}
