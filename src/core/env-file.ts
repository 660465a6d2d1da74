/**
 * Environment files as Docker Compose and systemd read them: one `NAME=value` a line, comments, single and double quotes,
 * values in quotes over several lines. Where the two read a line differently, `differs` says so.
 */
export interface Variable {
  readonly value: string
  /** Why Docker Compose and systemd disagree about this value; `value` is what Compose reads. */
  readonly differs?: string
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*/
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** All variables; of one that is there twice the last counts, as for both readers. */
export function readEnvFile(text: string): ReadonlyMap<string, Variable> {
  const variables = new Map<string, Variable>()
  let rest = text.replaceAll('\r\n', '\n')
  while (rest !== '') {
    const match = ASSIGNMENT.exec(rest.split('\n', 1)[0] ?? '')
    const name = match?.[1]
    if (match === null || name === undefined) {
      rest = afterLine(rest)
      continue
    }
    const { variable, left } = valueOf(rest.slice(match[0].length))
    variables.set(name, variable)
    rest = afterLine(left)
  }
  return variables
}

function afterLine(text: string): string {
  const end = text.indexOf('\n')
  return end === -1 ? '' : text.slice(end + 1)
}

function valueOf(text: string): { readonly variable: Variable; readonly left: string } {
  const quoted = /^'([^']*)'/.exec(text) ?? /^"((?:[^"\\]|\\[^])*)"/.exec(text)
  if (quoted === null) return plainValue(text)
  const inside = quoted[1] ?? ''
  const left = text.slice(quoted[0].length)
  if (text.startsWith("'")) return { variable: { value: inside }, left }
  const value = inside.replaceAll(/\\([^])/g, (whole, letter: string) => unescaped(whole, letter))
  const differs = value.includes('$') ? { differs: 'has a $ that Docker Compose replaces and systemd does not' } : {}
  return { variable: { value, ...differs }, left }
}

function unescaped(whole: string, letter: string): string {
  return ESCAPES[letter] ?? ('"\\$'.includes(letter) ? letter : whole)
}

function plainValue(text: string): { readonly variable: Variable; readonly left: string } {
  const line = text.split('\n', 1)[0] ?? ''
  const value = line.replace(/(?:^|[ \t]+)#.*$/, '').trimEnd()
  return { variable: { value, ...differenceOf(line, value) }, left: text.slice(line.length) }
}

function differenceOf(line: string, value: string): Pick<Variable, 'differs'> {
  if (line.trimEnd() !== value) return { differs: 'has a comment after it that systemd takes for part of the value' }
  if (line.endsWith('\\')) return { differs: 'ends with a backslash, which joins the next line for systemd only' }
  if (value.includes('$')) return { differs: 'has a $ that Docker Compose replaces and systemd does not' }
  return {}
}
