import type { Bytes } from '../../../../core/ports.ts'

const TAIL = 8
/** What pg_dump writes behind the last row of COPY, and behind the last INSERT. */
const COPY_END = '\\.\n\n\n'
const INSERT_END = '\n\n'

/** Fails with what `damaged` makes unless the data of a table ends as pg_dump ends it; pg_restore does not look. */
export async function assertRowsEnd(content: Bytes, isCopy: boolean, damaged: (what: string) => Error): Promise<void> {
  let tail = ''
  let whole = true
  for await (const chunk of content) {
    const text = tail + Buffer.from(chunk.subarray(-TAIL)).toString('latin1')
    whole &&= tail.length + chunk.length <= TAIL
    tail = text.slice(-TAIL)
  }
  if (isCopy && ((whole && tail === COPY_END) || tail.endsWith(`\n${COPY_END}`))) return
  if (!isCopy && ((whole && tail === INSERT_END) || tail.endsWith(`;\n${INSERT_END}`))) return
  throw damaged(isCopy ? 'the file does not end with the line \\.' : 'the file does not end behind a statement')
}
