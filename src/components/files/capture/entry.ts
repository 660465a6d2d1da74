import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { escapes, isSafeRelative, percentDecoded, percentEncoded, ROOT, shown, type RawPath } from '../tree/names.ts'

interface Common {
  readonly path: RawPath
  /** The twelve permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Names of the owner where it was captured; absent when the number had none. */
  readonly user?: string | undefined
  readonly group?: string | undefined
  /** Nanoseconds since 1970. */
  readonly mtime: bigint
}

export type DirectoryEntry = Common & { readonly type: 'directory' }
export type RegularEntry = Common & { readonly type: 'file'; readonly size: number; readonly sha256: string }
export type SymlinkEntry = Common & { readonly type: 'symlink'; readonly target: RawPath }
/** A further name of the file that an earlier entry brought. */
export type LinkEntry = Common & { readonly type: 'link'; readonly target: RawPath }

/** One thing in a captured folder. */
export type FileEntry = DirectoryEntry | RegularEntry | SymlinkEntry | LinkEntry

const rawPath = z.string().transform((text, issues): RawPath => {
  const decoded = percentDecoded(text)
  if (decoded !== undefined) return decoded
  issues.addIssue('is not percent-encoded as it must be')
  return z.NEVER
})
const entryPath = rawPath.refine((path) => path === ROOT || isSafeRelative(path), 'leaves the folder')
const number = z.number().int().nonnegative()
const common = {
  path: entryPath,
  mode: number.max(0o7777),
  uid: number,
  gid: number,
  user: z.string().optional(),
  group: z.string().optional(),
  mtime: z
    .string()
    .regex(/^-?\d{1,24}$/)
    .transform(BigInt),
}
const entryShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('directory'), ...common }),
  z.object({ type: z.literal('file'), ...common, size: number, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ type: z.literal('symlink'), ...common, target: rawPath, escapes: z.literal(true).optional() }),
  z.object({ type: z.literal('link'), ...common, target: rawPath.refine(isSafeRelative, 'leaves the folder') }),
])

/** One line of the artifact `entries`, with its newline. */
export function entryLine(entry: FileEntry): string {
  const { path, mtime } = entry
  const encoded = { ...entry, path: percentEncoded(path), mtime: mtime.toString() }
  if (entry.type === 'file' || entry.type === 'directory') return `${JSON.stringify(encoded)}\n`
  const escaping = entry.type === 'symlink' && escapes(path, entry.target) ? { escapes: true } : {}
  return `${JSON.stringify({ ...encoded, target: percentEncoded(entry.target), ...escaping })}\n`
}

/**
 * The inverse of `entryLine`. Fails with `corrupt` on anything else: a path that leaves the folder, and a symbolic link
 * out of the folder that was not marked as one when it was captured.
 */
export function parseEntryLine(line: string): FileEntry {
  const parsed = entryShape.safeParse(jsonOf(line))
  if (!parsed.success) throw corruptLine(line, parsed.error.issues[0]?.message ?? 'unknown shape')
  if (parsed.data.type !== 'symlink') return parsed.data
  const { escapes: marked, ...entry } = parsed.data
  if (escapes(entry.path, entry.target) !== (marked ?? false)) {
    throw corruptLine(line, `the link ${shown(entry.path)} to ${shown(entry.target)} is not marked as it must be`)
  }
  return entry
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function corruptLine(line: string, why: string): Failure {
  return new Failure('corrupt', `the list of files has a line that no capture writes: ${why}`, {
    facts: { line: line.slice(0, 200) },
  })
}
