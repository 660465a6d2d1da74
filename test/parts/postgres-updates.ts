/**
 * Ways in which a value gets another internal form, or another value, by type: updates of a table with the columns `x` (of
 * the type), `l` (an array of it) and `c` (a composite of it and a number). What a restore inserts never went through them.
 */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  float4: [
    "x = 'Infinity'::float4 - 'Infinity'::float4",
    "x = -('NaN'::float4)",
    "l[2] = 'Infinity'::float4 - 'Infinity'::float4",
    'x = x * -1',
  ],
  float8: [
    "x = 'Infinity'::float8 - 'Infinity'::float8",
    "x = -('NaN'::float8)",
    "l[1] = -('NaN'::float8)",
    "c.a = 'Infinity'::float8 - 'Infinity'::float8",
  ],
  point: ["x = point('Infinity'::float8 - 'Infinity'::float8, -0.0)", 'x = x * point(-1, 0)'],
  numeric: ['x = round(x, 3)', 'x = x * 1.00', 'x = trim_scale(x)', "x = 'Infinity'::numeric - 'Infinity'::numeric"],
  xml: [
    `x = '<?xml version="1.0"?><a>é</a>'`,
    `x = '<?xml version="1.0" standalone="yes"?><b/>'`,
    'x = xmlconcat(x, x)',
    `l[1] = '<?xml version="1.1"?><a/>'`,
  ],
  jsonb: [`x = jsonb_build_object('k', x)`, `x = jsonb_build_array(x, 'null'::jsonb)`],
  interval: ['x = justify_interval(x)', 'x = x * -2', "x = x + interval '1 mon' - interval '30 days'"],
  timestamptz: ["x = x at time zone 'Asia/Tokyo'"],
  inet: ['x = set_masklen(x, 7)', 'x = ~x'],
  tsvector: ["x = setweight(x, 'B')", 'x = strip(x)'],
  path: ['x = popen(x)', 'x = pclose(x)'],
  polygon: ["x = polygon(box '((0,0),(1,1))')"],
  int4range: ['x = x * int4range(2, 5)', "x = '(1,4]'"],
  numrange: ['x = x * numrange(0.1, 1.000)', 'x = numrange(lower(x), 9.90)'],
  int4multirange: ['x = x + int4multirange(int4range(3, 5))'],
  bytea: ["x = substring(x from 2) || '\\x00'"],
  text: ["x = repeat(x || 'ab', 2000)", 'x = left(x, 5)'],
  'text[]': ['x[2] = null', "x[2] = 'v'", 'x = x[2:9]', 'x[5] = null'],
  'numeric[]': ['x[1] = null', 'x[1] = 1.0', 'x[2] = 1'],
  'int4[][]': ['x = x[1:1][1:1]', "x = x || '{}'"],
  'timestamptz[]': ['x[2] = null', "x[2] = 'infinity'"],
  'jsonb[]': ['x[2] = null', "x[2] = '[]'"],
  'int4range[]': ['x[3] = null', "x[3] = 'empty'"],
}

/** Every value of a type may come and go anywhere. */
function anywhere(value: string): string[] {
  return [
    `x = ${value}`,
    'x = null',
    `l[1] = ${value}`,
    'l[1] = null',
    `l[2] = ${value}`,
    'l[2] = null',
    `l = l || ${value}`,
    'l = l[2:3]',
    'l = null',
    `c.a = ${value}`,
    'c.a = null',
    'c.b = null',
    'c = null',
  ]
}

/** Updates to choose from for a type without modifiers, with these values as literals of it. */
export function updatesOf(type: string, values: readonly string[]): readonly string[] {
  const updates = [...values.flatMap(anywhere), ...(BY_TYPE[type] ?? [])]
  return type.endsWith(']') ? updates.filter((one) => !one.startsWith('l')) : updates
}
