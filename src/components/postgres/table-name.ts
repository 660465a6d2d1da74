/** `schema.table` as SQL reads it: without quotes it is folded to lower case, within them it means itself. */
const PART = String.raw`(?:"((?:[^"\0]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))`
const NAME = new RegExp(`^${PART}\\.${PART}$`)

export interface TableName {
  readonly schema: string
  readonly table: string
}

/** Undefined where the text is no name of a schema and a table. */
export function parseTableName(text: string): TableName | undefined {
  const found = NAME.exec(text)
  if (found === null) return undefined
  const [, quotedSchema, schema, quotedTable, table] = found
  return { schema: plain(quotedSchema, schema), table: plain(quotedTable, table) }
}

/** PostgreSQL folds the letters of ASCII only, in every encoding. */
function plain(quoted: string | undefined, bare = ''): string {
  if (quoted !== undefined) return quoted.replaceAll('""', '"')
  return bare.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
