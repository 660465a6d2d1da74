import type { Bytes } from '../../../core/ports.ts'
import { creationOf } from './database-statements.ts'
import type { Creation } from './database-statements.ts'
import type { Piece } from './lexer/pieces.ts'
import { settingOf, classifyStatement } from './policy.ts'
import { split } from './lexer/split.ts'
import { DumpStructure } from './structure.ts'

/** What a whole dump was found to be, without running any of it. */
export interface DumpOutline {
  /** Of pg_dumpall: roles, and all databases. */
  readonly isCluster: boolean
  /** The newest major version that it names; 0 when it names none. */
  readonly major: number
  readonly databases: readonly DumpedDatabase[]
  readonly bytes: number
}

export interface DumpedDatabase {
  /** Null when the dump does not say it. */
  readonly name: string | null
  /** What CREATE DATABASE says, if it is there. */
  readonly creation: Creation | undefined
  /** Of the dump's text, which is that of the database unless somebody asked for another one. */
  readonly encoding: string
}

/** Reads a dump to its end. Fails with the byte offset for one that is cut off, is no dump, or holds what no dump needs. */
export async function readOutline(text: Bytes): Promise<DumpOutline> {
  const structure = new DumpStructure()
  const found: { creation: Creation | undefined; encoding: string }[] = []
  let bytes = 0
  for await (const piece of split(counted(text, (length) => (bytes += length)))) {
    structure.accept(piece)
    while (found.length < structure.databases.length) found.push({ creation: undefined, encoding: 'UTF8' })
    const current = found.at(-1)
    if (current !== undefined && structure.part.of === 'database') note(piece, current)
  }
  structure.finish(bytes)
  const { isCluster, major } = structure
  const databases = structure.databases.map((name, index) => ({
    name,
    encoding: 'UTF8',
    creation: undefined,
    ...found[index],
  }))
  return { isCluster, major, databases, bytes }
}

function note(piece: Piece, database: { creation: Creation | undefined; encoding: string }): void {
  if (piece.type !== 'statement') return
  classifyStatement(piece, false)
  if (piece.words[0] === 'create' && piece.words[1] === 'database') database.creation = creationOf(piece)
  const setting = settingOf(piece)
  if (setting?.name === 'client_encoding') database.encoding = setting.value
}

async function* counted(text: Bytes, count: (length: number) => void): Bytes {
  for await (const chunk of text) {
    count(chunk.length)
    yield chunk
  }
}
