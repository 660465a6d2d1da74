/** A splitter that needs the whole text: one regular expression, written apart from the lexer, to compare it with. */
const TOKEN =
  /--[^\n]*|(?<comment>\/\*)|[eE]'(?:[^'\\]|\\[^]|'')*'(?:[ \t]*\n\s*'(?:[^'\\]|\\[^]|'')*')*|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<tag>\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$)|[A-Za-z_\x80-\xff][\w$\x80-\xff]*|[^]/y

/** The statements of a text without COPY and routine bodies, each with its offset; in bytes when the text is Latin-1. */
export function referenceSplit(text: string): { readonly offset: number; readonly text: string }[] {
  const found: { offset: number; text: string }[] = []
  let [at, begin, depth] = [0, -1, 0]
  while (at < text.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (match === null) throw new Error(`nothing matches at ${at}`)
    const [token] = match
    let end = TOKEN.lastIndex
    if (match.groups?.['comment'] !== undefined) end = endOfComment(text, at)
    const tag = match.groups?.['tag']
    if (tag !== undefined) end = text.indexOf(tag, end) + tag.length
    const nothing = /^(?:\s|--|\/\*)/.test(token)
    if (!nothing && begin < 0) begin = at
    if (token === '(') depth += 1
    if (token === ')' && depth > 0) depth -= 1
    at = end
    if (token !== ';' || depth > 0) continue
    if (at - begin > 1) found.push({ offset: begin, text: text.slice(begin, at) })
    begin = -1
  }
  return found
}

function endOfComment(text: string, from: number): number {
  let depth = 0
  for (const match of text.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return from + match.index + 2
  }
  throw new Error('a comment without an end')
}
