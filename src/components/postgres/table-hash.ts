import { identifier, literal } from './connection.ts'

/** A column as its rows are hashed. */
export interface HashedColumn {
  readonly name: string
  /** The name in pg_type if the type is a built-in one, else empty. */
  readonly type: string
}

/**
 * Built-in types whose values are equal, by their hash function, exactly if their texts are equal. Not in the list, and
 * so hashed as text: enums (hashed by oid, which differs between databases), types without a hash function, arrays,
 * composites and domains. jsonb is taken although numbers in it are equal by value there (1.0 equals 1.00): its text
 * costs several times as much, and nothing that damages a document changes only the zeros at the end of a number.
 */
const HASHED_AS_THEY_ARE = new Set([
  'bool',
  'bytea',
  'cidr',
  'date',
  'inet',
  'int2',
  'int4',
  'int8',
  'jsonb',
  'macaddr',
  'macaddr8',
  'oid',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
])
const HASHED_AS_BYTES = new Set(['text', 'varchar', 'name'])
/** Types whose equality is wider than that of their text (1.0 and 1.00, 0 and -0, 1 mon and 30 days), by their exact binary form. */
const HASHED_AS_SENT: Readonly<Record<string, string>> = {
  numeric: 'numeric_send',
  float4: 'float4send',
  float8: 'float8send',
  interval: 'interval_send',
}
/** Arrays and ranges of these are hashed as they are sent, which costs a third of their text and says as much. */
const SENT_ELEMENTS = [
  'bool',
  'bytea',
  'date',
  'float4',
  'float8',
  'inet',
  'int2',
  'int4',
  'int8',
  'interval',
  'numeric',
].concat(['text', 'time', 'timestamp', 'timestamptz', 'uuid', 'varchar'])
const SENT_ARRAYS = new Set(SENT_ELEMENTS.map((name) => `_${name}`))
const SENT_RANGES = new Set(['int4range', 'int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange'])

/**
 * The query for one table's row count and the sum of its rows' hashes, which does not depend on their order. Hashing
 * the whole row with `hash_record_extended(t)` would be shorter, but then hashes would depend on dropped columns and
 * on what each type takes for equal.
 */
export function tableHashQuery(table: string, columns: readonly HashedColumn[], condition = ''): string {
  const hash =
    columns.length === 0
      ? '0'
      : `coalesce(sum(pg_catalog.hash_record_extended(row(${columns.map(hashedColumn).join(', ')}), 0)), 0)`
  return `select count(*)::text as rows, (${hash})::text as hash from only ${table} t ${condition}`
}

/** The query for one table's row count alone. */
export function tableCountQuery(table: string, condition = ''): string {
  return `select count(*)::text as rows from only ${table} t ${condition}`
}

function hashedColumn({ name, type }: HashedColumn): string {
  const column = `t.${identifier(name)}`
  if (HASHED_AS_THEY_ARE.has(type)) return column
  if (HASHED_AS_BYTES.has(type)) return `${column} collate "C"`
  const send = HASHED_AS_SENT[type]
  if (send !== undefined) return `pg_catalog.${send}(${column})`
  if (SENT_ARRAYS.has(type)) return `pg_catalog.array_send(${column})`
  if (SENT_RANGES.has(type)) return `pg_catalog.range_send(${column})`
  // The cast of char(n) to text drops trailing blanks; they count as content where the length is not fixed.
  if (type === 'bpchar') return `pg_catalog.bpcharsend(${column})`
  return `${column}::text collate "C"`
}

/** The query for many sequences at once. */
export function sequencesQuery(sequences: readonly { readonly name: string }[]): string {
  return sequences
    .map(
      ({ name }) =>
        `select ${literal(name)} as name, last_value::text as "lastValue", is_called as "isCalled" from ${name}`,
    )
    .join(' union all ')
}
