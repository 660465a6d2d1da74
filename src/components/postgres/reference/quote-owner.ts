/** A name as pg_restore writes it, alone or behind that of its schema. Operators and what has arguments are none. */
const NAME = /^(?:"(?:[^"]|"")*"|[^"\s.()]+)(?:\.(?:"(?:[^"]|"")*"|[^"\s.()]+))?$/
const PARTS = /"(?:[^"]|"")*"|[^".]+/g
/** What pg_restore names by itself. Of others it has the words of pg_dump, which are quoted already. */
const STATEMENT =
  /^ALTER (COLLATION|CONVERSION|DOMAIN|EVENT TRIGGER|FOREIGN DATA WRAPPER|FOREIGN TABLE|MATERIALIZED VIEW|PROCEDURAL LANGUAGE|PUBLICATION|SCHEMA|SEQUENCE|SERVER|STATISTICS|SUBSCRIPTION|TABLE|TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY|TYPE|VIEW) /
const OWNER = / OWNER TO ("(?:[^"]|"")*"|[^"\s;]+);(?=[\s-]*$)/

/** Until 15, what gave these their owner was written as for a table. */
const OLD_KIND = /^ALTER (?:VIEW|SEQUENCE|MATERIALIZED VIEW) $/
const KINDS_SINCE = 16

/**
 * The statement that gives an object its owner as pg_dump of the major `writer` has it, with all names quoted. pg_restore
 * writes it anew, and cannot be asked to quote as pg_dump was; everything else in its text is what pg_dump wrote.
 */
export function quoteOwner(statement: string, writer: number): string {
  const owner = OWNER.exec(statement)
  if (owner?.[1] === undefined) return statement
  const head = statement.slice(0, owner.index)
  const ending = statement.slice(owner.index + owner[0].length)
  const kind = STATEMENT.exec(head)?.[0] ?? ''
  const name = head.slice(kind.length)
  const known = writer < KINDS_SINCE && OLD_KIND.test(kind) ? 'ALTER TABLE ' : kind
  const quoted = kind !== '' && NAME.test(name) ? `${known}${quoteParts(name)}` : head
  return `${quoted} OWNER TO ${quoteParts(owner[1])};${ending}`
}

function quoteParts(name: string): string {
  return name.replaceAll(PARTS, (part) => (part.startsWith('"') ? part : `"${part}"`))
}
