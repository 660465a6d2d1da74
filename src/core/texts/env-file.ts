/**
 * Environment files as Docker Compose and systemd read them: one `NAME=value` a line, comments, single and double quotes,
 * values in quotes over several lines. Where the two read a line differently, `differs` says so.
 */
export interface Variable {
  readonly value: string
  /** Where the text has it, quotes and all; the end is exclusive. */
  readonly from: number
  readonly to: number
  /** Why Docker Compose and systemd disagree about this value; `value` is what Compose reads. */
  readonly differs?: string
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*/
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** All variables; of one that is there twice the last counts, as for both readers. */
export function readEnvFile(text: string): ReadonlyMap<string, Variable> {
  const variables = new Map<string, Variable>()
  let at = 0
  while (at < text.length) {
    const match = ASSIGNMENT.exec(lineOf(text, at))
    const name = match?.[1]
    if (match !== null && name !== undefined) {
      const from = at + match[0].length
      const { length, ...found } = valueOf(text.slice(from))
      at = from + length
      variables.set(name, { ...found, from, to: at })
    }
    at += lineOf(text, at).length + 1
  }
  return variables
}

function lineOf(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return text.slice(at, end === -1 ? text.length : end)
}

type Found = Pick<Variable, 'value' | 'differs'> & { readonly length: number }

function valueOf(text: string): Found {
  const quoted = /^'([^']*)'/.exec(text) ?? /^"((?:[^"\\]|\\[^])*)"/.exec(text)
  if (quoted === null) return plainValue(text)
  const inside = (quoted[1] ?? '').replaceAll('\r\n', '\n')
  const { length } = quoted[0]
  if (text.startsWith("'")) return { value: inside, length }
  const value = inside.replaceAll(/\\([^])/g, (whole, letter: string) => unescaped(whole, letter))
  const differs = value.includes('$') ? { differs: 'has a $ that Docker Compose replaces and systemd does not' } : {}
  return { value, ...differs, length }
}

function unescaped(whole: string, letter: string): string {
  return ESCAPES[letter] ?? ('"\\$'.includes(letter) ? letter : whole)
}

function plainValue(text: string): Found {
  const line = lineOf(text, 0).replace(/\r$/, '')
  const value = line.replace(/(?:^|[ \t]+)#.*$/, '').trimEnd()
  return { value, ...differenceOf(line, value), length: value.length }
}

function differenceOf(line: string, value: string): Pick<Variable, 'differs'> {
  if (line.trimEnd() !== value) return { differs: 'has a comment after it that systemd takes for part of the value' }
  if (line.endsWith('\\')) return { differs: 'ends with a backslash, which joins the next line for systemd only' }
  if (value.includes('$')) return { differs: 'has a $ that Docker Compose replaces and systemd does not' }
  return {}
}

/**
 * The text with another value of a variable; every other byte stays. Undefined when the text has no such variable, or when
 * there is no way to write the value that reads back as it is.
 */
export function withVariable(text: string, name: string, value: string): string | undefined {
  const found = readEnvFile(text).get(name)
  if (found === undefined) return undefined
  if (found.value === value) return text
  const spelled = [plain(value), `'${value}'`, quoted(value)].map(
    (written) => written !== undefined && text.slice(0, found.from) + written + text.slice(found.to),
  )
  return spelled.find((other): other is string => other !== false && isOnlyChange(text, other, name, value))
}

/** Nothing that a shell, Docker Compose or systemd would take for anything but itself. */
function plain(value: string): string | undefined {
  return /^[A-Za-z0-9_@%+=:,./-]*$/.test(value) ? value : undefined
}

function quoted(value: string): string {
  return `"${value.replaceAll(/[\\"$]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

function isOnlyChange(before: string, after: string, name: string, value: string): boolean {
  const [old, now] = [readEnvFile(before), readEnvFile(after)]
  const wanted = new Map([...old].map(([key, variable]) => [key, key === name ? value : variable.value]))
  return now.size === wanted.size && [...now].every(([key, variable]) => wanted.get(key) === variable.value)
}
