import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml'
import { spellPath, type Located, type Path, type Problem } from './mistakes/problems.ts'

/** A parsed YAML text: its plain value, and where in the text each part of it is. */
export interface YamlFile {
  readonly value: unknown
  locate(problem: Problem): Located
}

/** More uses of anchors than a person writes; a few lines of them can describe more data than fits in memory. */
const ALIAS_LIMIT = 100

/** Parses one YAML 1.2 document. Gives what is wrong with the text instead when there is anything. */
export function parseYamlFile(text: string): YamlFile | { readonly problems: readonly Located[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { version: '1.2', lineCounter: lines, prettyErrors: false, stringKeys: true })
  const problems = syntaxProblems(text, document, lines)
  if (problems.length > 0) return { problems }
  const aliases = aliasProblems(document, lines)
  if (aliases.length > 0) return { problems: aliases }
  return { value: document.toJS({ maxAliasCount: ALIAS_LIMIT }), locate: (problem) => locate(document, lines, problem) }
}

function syntaxProblems(text: string, document: Document, lines: LineCounter): Located[] {
  const errors = [...document.errors, ...document.warnings]
  // A tab puts every following line in the wrong place, which is not worth telling of each.
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT')
  return (tabs.length > 0 ? tabs : errors).map((error) => placed(lines, error.pos[0], spellError(error, text)))
}

function spellError({ code, message, pos }: YAMLError, text: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; expected spaces'
  if (code === 'MULTIPLE_DOCS') return 'a second document begins; expected one'
  if (code === 'DUPLICATE_KEY')
    return `${/^[^\s:]+/.exec(text.slice(pos[0]))?.[0] ?? 'a name'} is written a second time`
  // Some messages end with a piece of the text, which may be a secret.
  return (message.charAt(0).toLowerCase() + message.slice(1)).replace(/: ".*$/s, '')
}

/** The library counts nested aliases by what they expand to, and throws without a position; so both cases are found here. */
function aliasProblems(document: Document, lines: LineCounter): Located[] {
  const problems: Located[] = []
  let first: number | undefined
  visit(document, {
    Alias(_key, alias) {
      first ??= alias.range?.[0]
      if (alias.resolve(document) === undefined)
        problems.push(placed(lines, alias.range?.[0] ?? 0, `no anchor &${alias.source} before this`))
    },
  })
  if (problems.length > 0 || first === undefined) return problems
  try {
    document.toJS({ maxAliasCount: ALIAS_LIMIT })
    return []
  } catch {
    return [placed(lines, first, `anchors are used too often; at most ${ALIAS_LIMIT} times`)]
  }
}

function placed(lines: LineCounter, offset: number, message: string): Located {
  const { line, col } = lines.linePos(offset)
  return { line, column: col, message }
}

function locate(document: Document, lines: LineCounter, { path, at, message }: Problem): Located {
  const name = spellPath(path)
  return placed(lines, offsetOf(document, path, at), name === '' ? message : `${name}: ${message}`)
}

/** The start of the deepest part of the path that is in the text. */
function offsetOf(document: Document, path: Path, at: Problem['at']): number {
  let node = resolved(document, document.contents)
  let offset = startOf(node) ?? 0
  for (const [index, key] of path.entries()) {
    const child = childOf(node, key)
    if (child === undefined) return offset
    const isLast = index === path.length - 1
    node = resolved(document, child.value)
    // What is missing is best looked for at the name of what should hold it.
    offset = (isLast && at === 'value' ? startOf(child.value) : undefined) ?? startOf(child.key) ?? offset
  }
  return offset
}

function childOf(node: unknown, key: PropertyKey): { readonly key: unknown; readonly value: unknown } | undefined {
  if (isMap(node)) return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key))
  if (!isSeq(node)) return undefined
  const item = node.items[Number(key)]
  return item === undefined ? undefined : { key: item, value: item }
}

function resolved(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
