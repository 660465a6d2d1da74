import { identifier, literal } from '../connection/connection.ts'

/** A column as its rows are hashed. */
export interface HashedColumn {
  readonly name: string
  /** The name in pg_type if the type is a built-in one, `enum` if it is one, else empty. */
  readonly type: string
}

/**
 * The way in which rows are hashed. Another way gives other numbers for the same rows, so a fingerprint names its own; those
 * that name none were made by `x::text`, which called casts of the database.
 */
export const HASHING = 2

/**
 * Built-in types whose values are equal, by their hash function, exactly if their texts are equal. All that is in no list here is
 * hashed as text: enums (hashed by oid, which differs between databases), types without a hash function, composites and
 * domains. jsonb is taken although numbers in it are equal by value there (1.0 equals 1.00): its text costs several times
 * as much, and nothing that damages a document changes only the zeros at the end of a number.
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
/** Types whose equality is wider than that of their text (1.0 and 1.00, 1 mon and 30 days), by their exact binary form. */
const HASHED_AS_SENT: Readonly<Record<string, string>> = { numeric: 'numeric_send', interval: 'interval_send' }
/** As they are sent, too: 0 and -0 differ. NaN has a sign there, which no text has. */
const FLOATS: Readonly<Record<string, string>> = { float4: 'float4send', float8: 'float8send' }
/** Arrays of these are hashed as they are sent, which costs a third of their text and says as much. Not floats, see above. */
const SENT_ELEMENTS = ['bool', 'bytea', 'date', 'inet', 'int2', 'int4', 'int8', 'interval', 'numeric', 'time'].concat([
  'timestamp',
  'timestamptz',
  'uuid',
])
const SENT_ARRAYS = new Set(SENT_ELEMENTS.map((name) => `_${name}`))
/** The same of what is converted when it is sent, where there is nothing to convert: our sessions have UTF-8, too. */
const SENT_TEXTS = new Set(['_text', '_varchar'])
const UNCONVERTED = 'UTF8'
const SENT_RANGES = new Set(['int4range', 'int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange'])

/**
 * The query for one table's row count and the sum of its rows' hashes, which does not depend on their order. Hashing
 * the whole row with `hash_record_extended(t)` would be shorter, but then hashes would depend on dropped columns and
 * on what each type takes for equal.
 */
export function tableHashQuery(
  table: string,
  columns: readonly HashedColumn[],
  encoding: string,
  condition = '',
): string {
  const hashed = columns.map((column) => hashedColumn(column, encoding === UNCONVERTED))
  const hash =
    columns.length === 0 ? '0' : `coalesce(sum(pg_catalog.hash_record_extended(row(${hashed.join(', ')}), 0)), 0)`
  return `select count(*)::text as rows, (${hash})::text as hash from only ${table} t ${condition}`
}

/** The query for one table's row count alone. */
export function tableCountQuery(table: string, condition = ''): string {
  return `select count(*)::text as rows from only ${table} t ${condition}`
}

function hashedColumn({ name, type }: HashedColumn, unconverted: boolean): string {
  const column = `t.${identifier(name)}`
  if (HASHED_AS_THEY_ARE.has(type)) return column
  if (HASHED_AS_BYTES.has(type)) return `${column} collate "C"`
  const send = HASHED_AS_SENT[type]
  if (send !== undefined) return `pg_catalog.${send}(${column})`
  const sendFloat = FLOATS[type]
  if (sendFloat !== undefined)
    return `pg_catalog.${sendFloat}(case when ${column} = 'NaN' then 'NaN' else ${column} end)`
  if (type === 'enum' && unconverted) return `pg_catalog.enum_send(${column})`
  if (SENT_ARRAYS.has(type) || (SENT_TEXTS.has(type) && unconverted))
    return withoutFlags(`pg_catalog.array_send(${column})`)
  if (SENT_RANGES.has(type)) return `pg_catalog.range_send(${column})`
  return asText(column)
}

/** The flags say whether an array holds a NULL, or once held one. Each element says for itself whether it is NULL. */
function withoutFlags(array: string): string {
  return `pg_catalog.overlay(${array}, '\\x00000000'::pg_catalog.bytea, 5, 4)`
}

/**
 * The text that COPY carries. A cast to text may be the function of whoever owns the type; format calls the output function
 * of the type by its oid. It makes '' of NULL, and a composite of NULLs `is null` without being it.
 */
function asText(column: string): string {
  return `case when pg_catalog.num_nulls(${column}) = 0 then pg_catalog.format('%s', ${column}) end collate "C"`
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
