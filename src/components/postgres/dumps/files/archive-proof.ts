import type { Context } from '../../../../core/ports.ts'
import { contentOf } from './dump-file.ts'
import type { DumpFile } from './dump-file.ts'
import { readToc } from './archive-toc.ts'
import { proveFolder } from './folder-proof.ts'
import { copiesOf, largeObjectsOf } from './toc-facts.ts'

/** What an archive says that it holds, to be held against what was loaded of it. */
export interface ArchiveProof {
  /** The COPY statements of all rows, sorted, as latin1. */
  readonly copies: readonly string[]
  /** The large objects that it has, of which each must have its content. */
  readonly largeObjects: readonly string[]
  /** Plain sentences: what nothing in it can prove. */
  readonly unproven: readonly string[]
}

/**
 * Reads the table of contents, and of a folder every file to its end. pg_restore does not: it takes the end of a data file for the
 * end of its rows, and ends well. Fails as `corrupt` for whatever is missing, cut off or too much.
 */
export async function proveArchive(file: DumpFile, trusted: boolean, context: Context): Promise<ArchiveProof> {
  if (file.isFolder) return proveFolder(file, trusted, context)
  const toc = await readToc(file.path, contentOf(file, trusted, { ...context, progress: () => {} }), false)
  return { copies: copiesOf(toc), largeObjects: largeObjectsOf(toc), unproven: [] }
}
