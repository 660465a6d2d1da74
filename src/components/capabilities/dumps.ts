import type { AcceptId } from '../../core/accept-ids.ts'
import type { Context } from '../../core/ports.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../transfer.ts'

/** Ordinary dumps in and out. */
export interface Dumps<Settings = unknown, Details = unknown> {
  /**
   * Reads a dump to its end, refuses it unless it is whole and holds only what dumps hold, and loads it into a throw-away place
   * of its own. Fails without leaving anything.
   */
  load(settings: Settings, request: DumpRequest, context: Context): Promise<LoadedDump<Settings, Details>>

  /** Looks for dumps at a path, below a folder, or under all paths that begin so, and reads only their beginnings. */
  find(where: string, context: Context): Promise<FoundDumps>

  /** Reads all of a dump for the SHA-256 that `DumpOrigin` has. */
  digest(path: string, context: Context): Promise<Pick<DumpOrigin, 'sha256' | 'bytes'>>

  /** Restores into a throw-away place, compares, and writes a dump of it. Never leaves half a dump under the name. */
  write(
    settings: Settings,
    details: Details,
    source: ArtifactSource,
    request: DumpOutput,
    context: Context,
  ): Promise<WrittenDump>
}

export const dumpFormats = ['sql', 'custom', 'directory'] as const
export type DumpFormat = (typeof dumpFormats)[number]

export interface FoundDumps {
  /** The oldest first. */
  readonly dumps: readonly FoundDump[]
  /** What lies there and is no dump. */
  readonly others: readonly string[]
}

export interface FoundDump {
  readonly path: string
  /** The path from where was looked. */
  readonly name: string
  readonly format: DumpFormat
  readonly dumped: string
  /** `dump`: as it says itself, by the clock of its machine in that machine's zone. `file`: when the file was last written. */
  readonly dumpedBy: 'dump' | 'file'
}

export interface DumpRequest {
  readonly format: DumpFormat
  readonly path: string
  /** What it is called in the restore point, when not as its path. */
  readonly name?: string | undefined
  /** Which database of a dump that holds several. */
  readonly database?: string | undefined
  /** Who made the dump is trusted with this machine. */
  readonly trusted: boolean
  /** A dump without some of its rows is taken, and they are named. */
  readonly withoutRows?: boolean | undefined
  /** What the dump says of passwords is kept, too. */
  readonly withPasswords: boolean
  /** An existing private folder of Holdfast's own. */
  readonly scratchFolder: string
}

export interface LoadedDump<Settings = unknown, Details = unknown> {
  /** Where it can be captured as if it were the app's own. */
  readonly settings: Settings
  readonly origin: DumpOrigin
  /** Adds to what was captured where it came from, and what the dump did not hold; writes what it held besides. */
  complete(captured: Captured<Details>, sink: ArtifactSink): Promise<Captured<Details>>
  /** Removes the throw-away place; works after a cancellation. */
  close(): Promise<void>
}

/** What is remembered of an imported dump. */
export interface DumpOrigin {
  readonly format: DumpFormat
  readonly source: string
  readonly sha256: string
  readonly bytes: number
  readonly database: string | null
  readonly trusted: boolean
}

export interface DumpOutput {
  readonly format: DumpFormat
  readonly path: string
  readonly scratchFolder: string
  /** Where the reader of the dump can take no more. */
  readonly mostBytes?: number | undefined
  /** What the operator agreed to go without. */
  readonly accept?: readonly AcceptId[] | undefined
  /** SQL only: it first drops what it makes, where that is there, and can be fed to an existing database as one transaction. */
  readonly overExisting?: true
}

export interface WrittenDump {
  readonly path: string
  readonly format: DumpFormat
  readonly bytes: number
  /** The program that wrote it, and so the oldest that reads it. */
  readonly software: string
}
