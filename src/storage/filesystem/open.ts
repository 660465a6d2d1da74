import { fileURLToPath } from 'node:url'
import { Failure } from '../../core/failure.ts'
import type { Clock } from '../../core/ports.ts'
import type { Storage } from '../storage.ts'
import { filesystemStorage } from './filesystem.ts'

export interface OpenFilesystemOptions {
  readonly sentinel?: string
  readonly clock?: Clock
}

/** Opens `file:///absolute/path`. Fails with `usage` for any other form; the folder need not exist yet. */
export function openFilesystem(url: string, options: OpenFilesystemOptions): Storage {
  const { sentinel, clock } = options
  return filesystemStorage({
    folder: folderOf(url),
    ...(sentinel === undefined ? {} : { sentinel }),
    ...(clock === undefined ? {} : { clock }),
  })
}

function folderOf(url: string): string {
  const parsed = url.startsWith('file:///') && !/[?#]/.test(url) ? URL.parse(url) : null
  try {
    if (parsed !== null && parsed.pathname !== '/') return fileURLToPath(parsed)
  } catch {
    // An escape that stands for a slash, or for no character: said below.
  }
  throw new Failure('usage', `folder URL ${JSON.stringify(url)} is not of the form file:///absolute/path`, {
    hint: 'Write three slashes and the whole path, for example file:///srv/backup. The root folder itself is not allowed.',
  })
}
