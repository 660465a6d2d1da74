import type { Bytes } from '../../../core/ports.ts'

/** Lines of a list of contents, as pg_restore prints it and takes it back. */
export interface ContentLines {
  /** Schemas and the grants on them. */
  schemas(): Bytes
  /** All but schemas: their grants may be made again. */
  readonly rest: string
}

/** `6; 2615 16389 SCHEMA - shop owner`; no other object has a dash in the place of its schema and such a name. */
const SCHEMA = /^\d+; \d+ \d+ SCHEMA - /
const SCHEMA_GRANTS = /^\d+; \d+ \d+ ACL - SCHEMA /

export function linesOf(list: string): ContentLines {
  const lines = list.split('\n')
  const chosen = (wanted: (line: string) => boolean): string => lines.filter(wanted).join('\n')
  return {
    schemas: () => bytesOf(chosen((line) => SCHEMA.test(line) || SCHEMA_GRANTS.test(line))),
    rest: chosen((line) => !SCHEMA.test(line)),
  }
}

export async function* bytesOf(text: string): Bytes {
  yield await Promise.resolve(Buffer.from(`${text}\n`))
}
