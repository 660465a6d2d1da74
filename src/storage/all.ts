import type { Clock } from '../core/ports.ts'
import { openFilesystem } from './filesystem/open.ts'
import { memoryStorage } from './memory/memory.ts'
import type { S3Settings } from './s3/settings.ts'
import type { Storage } from './storage.ts'

/** Where a repository is and how to get there. Settings beside the URL are those of its kind of storage. */
export type StorageSettings = S3Settings

export interface OpenOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** The blob without which nothing is written to a folder; see `FilesystemOptions`. */
  readonly sentinel?: string
  /** Told what went wrong beside the result of a call. */
  readonly warn?: (message: string) => void
}

export interface StorageKind {
  /** How its URLs start, with the colon. */
  readonly protocol: string
  /** How its URLs look, for messages. */
  readonly example: string
  open(settings: StorageSettings, options: OpenOptions): Promise<Storage>
}

/** Every kind of storage. Adding one is a folder and a line here; see docs/contribute/adding-a-storage.md. */
export const storageKinds: readonly StorageKind[] = [
  {
    protocol: 'file:',
    example: 'file:///srv/backup',
    open: async (settings, options) => openFilesystem(settings.url, options),
  },
  {
    protocol: 's3:',
    example: 's3://bucket/prefix',
    // Loaded when it is used, so that a command on a folder does not wait for the client.
    open: async (settings, options) => (await import('./s3/s3.ts')).openS3(settings, options),
  },
  { protocol: 'memory:', example: 'memory:', open: async (_settings, { clock }) => memoryStorage({ clock }) },
]
