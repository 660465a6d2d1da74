import { isMap, isNode, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml'
import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../core/failure.ts'
import { valueAt } from '../mistakes/value-at.ts'
import { parseYamlFile } from '../yaml-file.ts'

/** Public keys to enter. Lists that are not given stay as they are. */
export interface PublicKeys {
  readonly signers?: readonly string[]
  /** Of private keys that are kept elsewhere on purpose. */
  readonly offlineRecipients?: readonly string[]
  /** By the name of the repository. */
  readonly recipients?: Readonly<Record<string, readonly string[]>>
}

/**
 * The text of a configuration with these keys instead of the ones it has. Only these lists are written anew; every other
 * character stays, comments too. Fails with `usage` when the text is not such that it can be done.
 */
export function withKeys(text: string, keys: PublicKeys): string {
  let result = text
  if (keys.signers !== undefined)
    result = withList(result, { in: [], after: 'version', name: 'signers', entries: keys.signers })
  if (keys.offlineRecipients !== undefined)
    result = withList(result, {
      in: [],
      after: 'version',
      name: 'offlineRecipients',
      entries: keys.offlineRecipients,
    })
  for (const [repository, entries] of Object.entries(keys.recipients ?? {})) {
    result = withList(result, { in: ['repositories', repository], after: 'url', name: 'recipients', entries })
  }
  return result
}

interface ListChange {
  readonly in: readonly string[]
  /** The key that a new list is put after. */
  readonly after: string
  readonly name: string
  readonly entries: readonly string[]
}

function withList(text: string, change: ListChange): string {
  const map = mapAt(text, change.in)
  const path = [...change.in, change.name]
  const present = pairOf(map, change.name)
  const changed = present === undefined ? insertList(text, map, change) : replaceList(text, map, present, change)
  // An anchor in the replaced list may have been used elsewhere: look before it is too late.
  const after = parseYamlFile(changed)
  if ('problems' in after || !isDeepStrictEqual(valueAt(after.value, path), change.entries)) {
    throw new Failure('usage', `${path.join('.')} cannot be written into this configuration`, {
      hint: 'Write the list by hand.',
    })
  }
  return changed
}

function mapAt(text: string, path: readonly string[]): YAMLMap {
  const document = parseDocument(text, { version: '1.2', stringKeys: true })
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  if (document.errors.length > 0 || !isMap(map))
    throw new Failure('usage', `the configuration has no map ${path.join('.')}`)
  return map
}

function pairOf(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(({ key }) => isScalar(key) && key.value === name)
}

/** From the end of the key to the end of the value; what follows on the line, such as a comment, then follows the list. */
function replaceList(text: string, map: YAMLMap, pair: Pair, { entries }: ListChange): string {
  const [start, end] = [keyEnd(pair), valueEnd(text, pair)]
  const list = map.flow === true ? flowList(entries) : blockList(entries, columnOf(text, pair))
  return `${text.slice(0, start)}:${list}${text.slice(end)}`
}

function insertList(text: string, map: YAMLMap, { after, name, entries }: ListChange): string {
  const anchor = pairOf(map, after)
  if (anchor === undefined)
    throw new Failure('usage', `the configuration has no ${after}, after which ${name} could be written`)
  const end = valueEnd(text, anchor)
  if (map.flow === true) return `${text.slice(0, end)}, ${name}:${flowList(entries)}${text.slice(end)}`
  const column = columnOf(text, anchor)
  const rest = /^[^\n]*/.exec(text.slice(end))?.[0].length ?? 0
  return `${text.slice(0, end + rest)}\n${' '.repeat(column)}${name}:${blockList(entries, column)}${text.slice(end + rest)}`
}

function flowList(entries: readonly string[]): string {
  return ` [${entries.map((entry) => JSON.stringify(entry)).join(', ')}]`
}

function blockList(entries: readonly string[], column: number): string {
  if (entries.length === 0) return ' []'
  return entries.map((entry) => `\n${' '.repeat(column + 2)}- ${spell(entry)}`).join('')
}

/** Keys need no quotes; whatever else is given gets them. */
function spell(entry: string): string {
  return /^[a-z][A-Za-z0-9:+/=]*[A-Za-z0-9+/=]$/.test(entry) ? entry : JSON.stringify(entry)
}

function columnOf(text: string, pair: Pair): number {
  const start = keyStart(pair)
  return start - (text.lastIndexOf('\n', start - 1) + 1)
}

function keyStart({ key }: Pair): number {
  return rangeOf(key)[0]
}

function keyEnd({ key }: Pair): number {
  return rangeOf(key)[1]
}

/** The range of a list over several lines includes the line break behind it. */
function valueEnd(text: string, pair: Pair): number {
  if (!isNode(pair.value)) return keyEnd(pair)
  const [start, end] = rangeOf(pair.value)
  return start + text.slice(start, end).trimEnd().length
}

function rangeOf(node: unknown): readonly [number, number, number] {
  // Every node of a parsed document has its range; only nodes that were made by hand have none.
  return (isNode(node) ? node.range : undefined) ?? [0, 0, 0]
}
