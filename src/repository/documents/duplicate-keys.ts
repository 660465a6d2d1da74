/**
 * The first key that occurs twice in one object of a valid JSON text, or undefined. JSON.parse keeps the last of two
 * equal keys, another reader may keep the first: two readers of one signed document would then see different things.
 *
 * `text` must have been accepted by JSON.parse; this looks at nothing but strings, braces and colons.
 */
export function duplicateKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const match of text.matchAll(tokens)) {
    const [token, key] = match
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (key !== undefined) {
      const name = nameOf(key)
      const keys = open.at(-1)
      if (keys?.has(name)) return name
      keys?.add(name)
    }
  }
  return undefined
}

/** A key is a string before a colon; other strings are matched so that braces within them are not seen. */
const tokens = /[{}]|("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"/gs

/** `"\u0061"` and `"a"` are one key. */
function nameOf(literal: string): string {
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
}
