/**
 * Values of every built-in type that a column may have and that can be written as text, chosen where forms differ:
 * signs of zero, infinities, scale, blanks, empty and unbounded ranges, characters that COPY escapes.
 */
export const TYPE_VALUES: Readonly<Record<string, readonly string[]>> = {
  bool: ['t', 'f'],
  bytea: ['\\x', '\\x00ff5c0a', '\\xdeadbeef'],
  '"char"': ['a', '\\', ''],
  name: ['a name', ''],
  int2: ['-32768', '32767'],
  int4: ['-2147483648', '2147483647'],
  int8: ['-9223372036854775808', '9223372036854775807'],
  text: ['', ' blanks ', 'tab\tnew\nline\\ "quoted" \'so\' %s', 'naïve 日本 🎉', '\\N', '\\.'],
  'varchar(20)': ['', 'trailing  ', 'é\\'],
  'char(5)': ['', 'ab', 'abcde'],
  'text collate "C"': ['b', 'B'],
  oid: ['0', '4294967295'],
  tid: ['(0,1)', '(4294967295,65535)'],
  xid: ['3', '4294967295'],
  xid8: ['3', '18446744073709551615'],
  cid: ['0', '7'],
  json: ['{"a":1,  "a":2}', 'null', '"\\u00e9"'],
  jsonb: ['{"a": [1, 2.50, null, "x\\ny"]}', '{}', '1.00', '"\\\\"'],
  jsonpath: ['$."a"[*]?(@ > 2)', 'strict $'],
  xml: ['<a>b &amp; c</a>', 'only text'],
  point: ['(0,-0)', '(1e300,-Infinity)'],
  lseg: ['[(0,0),(1.1,2.2)]'],
  path: ['[(0,0),(1,1)]', '((0,0),(1,1),(2,0))'],
  box: ['(1,1),(0,0)'],
  polygon: ['((0,0),(1,1),(2,0))'],
  line: ['{1,-1,0.1}'],
  circle: ['<(0.1,0.2),3>'],
  float4: ['-0', 'NaN', 'Infinity', '3.4028235e+38', '1e-45', '0.1'],
  float8: ['-0', 'NaN', '-Infinity', '1.7976931348623157e+308', '5e-324', '0.30000000000000004'],
  numeric: ['NaN', 'Infinity', '-Infinity', '0.00', '1.0', '1.000', '123456789012345678901234567890.123456789'],
  'numeric(10,3)': ['-1.5', '0'],
  money: ['-92233720368547758.08', '12.34'],
  macaddr: ['08:00:2b:01:02:03'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  inet: ['10.1.2.3/8', '::ffff:1.2.3.4', '0.0.0.0'],
  cidr: ['10.0.0.0/8', '2001:db8::/32'],
  aclitem: ['postgres=r*w/postgres', '=/postgres'],
  date: ['infinity', '-infinity', '4713-01-01 BC', '2024-02-29'],
  time: ['00:00:00', '24:00:00', '23:59:59.999999'],
  'time(0)': ['12:00:00'],
  timetz: ['00:00:00+15:59', '23:59:59.999999-15:59'],
  timestamp: ['infinity', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999'],
  timestamptz: ['-infinity', '2024-03-31 01:30:00+01', '1900-01-01 00:00:00+00:19:32'],
  interval: ['1 mon', '30 days', '-1 year 2 mons -3 days 04:05:06.789', '00:00:00.000001'],
  'interval year to month': ['1 year 2 mons'],
  'bit(5)': ['10101'],
  varbit: ['', '1', '0001'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  pg_lsn: ['0/0', 'FFFFFFFF/FFFFFFFF'],
  tsvector: ["'a':1A,2 'b c':3", ''],
  tsquery: ["'a' & !'b' | 'c':*AB", "'a' <2> 'b'"],
  txid_snapshot: ['10:20:10,14,15'],
  pg_snapshot: ['10:20:10,14,15'],
  int2vector: ['1 2 3', ''],
  oidvector: ['1 2 4294967295'],
  refcursor: ['a cursor'],
  regproc: ['now', '-'],
  regprocedure: ['lower(text)'],
  regoper: ['||/'],
  regoperator: ['+(integer,integer)'],
  regclass: ['pg_class'],
  regtype: ['integer', 'text[]'],
  regconfig: ['simple'],
  regdictionary: ['simple'],
  regnamespace: ['pg_catalog'],
  regrole: ['postgres'],
  regcollation: ['"C"'],
  int4range: ['empty', '[1,10)', '(,5)', '(,)'],
  int8range: ['[-9223372036854775808,1)'],
  numrange: ['[1.0,1.00]', '(,0.1]'],
  tsrange: ['[2024-01-01 00:00:00,infinity)'],
  tstzrange: ['["2024-01-01 00:00:00+00",)'],
  daterange: ['[2024-01-01,2024-02-01)'],
  int4multirange: ['{}', '{[1,3),[5,8)}'],
  int8multirange: ['{(,1)}'],
  nummultirange: ['{[1.0,2.00]}'],
  tsmultirange: ['{["2024-01-01 00:00:00",infinity)}'],
  tstzmultirange: ['{["2024-01-01 00:00:00+00",)}'],
  datemultirange: ['{[2024-01-01,2024-02-01)}'],
  'text[]': ['{}', '{a,NULL,"NULL","b \\"c\\"","back\\\\slash",","}', '[0:1]={x,y}', '{{a,b},{c,d}}'],
  'int4[][]': ['{{1,2},{3,4}}', '{}'],
  'numeric[]': ['{1.0,1.00,NaN}'],
  'timestamptz[]': ['{"2024-01-01 00:00:00+00"}'],
  'jsonb[]': ['{"{\\"a\\": 1}"}'],
  'int4range[]': ['{"[1,3)",empty}'],
}

/** Base types without a column here: values that only the server makes, and those whose text it does not read. */
const NOT_WRITABLE = /^(?:pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin_.*|pg_ddl_command|gtsvector)$/

/** The types of `values` that this server can read; one without XML support cannot read xml. */
export const UNKNOWN_TYPES = `select typname::text as name from pg_type t where typnamespace = 'pg_catalog'::regnamespace
  and typtype in ('b', 'r', 'm') and typcategory <> 'A' and typelem = 0 or typname in ('int2vector', 'oidvector', 'point', 'box', 'lseg', 'line') order by 1`

/** Built-in types, by the names in `found`, that have no value here. */
export function withoutValues(found: readonly string[]): string[] {
  const known = new Set(Object.keys(TYPE_VALUES).map((type) => type.replace(/\(.*| .*|"/g, '')))
  known.add('char').add('bit').add('bpchar').add('varchar')
  return found.filter((name) => !known.has(name) && !NOT_WRITABLE.test(name))
}

/** A table with a column of every type, and a table of each type with its values. */
export function tablesOfEveryType(types: readonly string[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`
  const columns = types.map((type, index) => `c${index} ${type}`)
  const firsts = types.map((type) => `${quote(TYPE_VALUES[type]?.[0] ?? '')}::${plain(type)}`)
  const each = types.map((type, index) => {
    const rows = (TYPE_VALUES[type] ?? []).map((value, row) => `(${row}, ${quote(value)}::${plain(type)})`)
    return `create table every_${index} (n int primary key, value ${type});
      insert into every_${index} values ${rows.join(', ')}, (-1, null);`
  })
  return `create table every (${columns.join(', ')}); insert into every values (${firsts.join(', ')});
    insert into every default values; ${each.join('\n')}`
}

function plain(type: string): string {
  return type.replace(/ collate .*/, '')
}
