/** Replaces what differs from run to run and from machine to machine, so that two transcripts of the same session are equal text. */
export class Normalizer {
  readonly #places: readonly (readonly [text: string, name: string])[]
  readonly #points = new Map<string, string>()
  readonly #restores = new Map<string, string>()

  /** `places`: folders and addresses of this run, each with the name that stands for it. */
  constructor(places: readonly (readonly [text: string, name: string])[]) {
    this.#places = places
  }

  normalize(text: string): string {
    let result = text
    for (const [place, name] of this.#places) result = result.replaceAll(place, name)
    for (const [pattern, name] of PATTERNS) result = result.replace(pattern, name)
    result = result.replace(/\b[0-9a-f]{32}\b/g, (id) => numbered(this.#points, id, 'id'))
    result = result.replace(/(?<![0-9a-z])(?=[a-f]*[0-9])[0-9a-f]{8}(?![0-9a-z])/g, (id) =>
      numbered(this.#restores, id, 'restore'),
    )
    return collapsed(result)
  }
}

/** In this order: a signer before the base64 in it, a time before its digits, a hash before the shorter ids. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/ed25519:[A-Za-z0-9+/]{43}=/g, '<signer>'],
  [/age1[a-z0-9]{58}/g, '<recipient>'],
  [/\b[0-9a-f]{64}\b/g, '<hash>'],
  [/\b[0-9a-f]{16}\b/g, '<hash>'],
  [/\bprune-[0-9a-f]{12}\b/g, 'prune-<hash>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '<time>'],
  [/("[A-Za-z]*(?:Milliseconds|[bB]ytes|[sS]ize)"):\d+/g, '$1:<number>'],
  [/\b\d+(?:\.\d+)? (?:s|B|kB|MB|GB|TB)\b/g, '<amount>'],
  [/\b\d+ (?:min|h) \d\d (?:s|min)\b/g, '<amount>'],
  [/holdfast \d+\.\d+\.\d+/g, 'holdfast <version>'],
  [/\b\d\d\.\d+\b/g, '<version>'],
]

function numbered(seen: Map<string, string>, id: string, name: string): string {
  const known = seen.get(id) ?? `<${name}-${seen.size + 1}>`
  seen.set(id, known)
  return known
}

/** Columns are as wide as what was in them. */
function collapsed(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/─+/g, '─')
        .replaceAll(/(?<=\S) {2,}/g, '  ')
        .trimEnd(),
    )
    .join('\n')
}
