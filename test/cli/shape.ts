import { parse } from 'yaml'

/** The shapes of docs/reference/cli-output.md: YAML as that page explains it, by the words after `yaml` on the fence. */
export type Shapes = ReadonlyMap<string, unknown>

export function shapesOf(markdown: string): Shapes {
  const blocks = markdown.matchAll(/^```yaml (.+)\n([^`]*)^```$/gm)
  return new Map([...blocks].map(([, name = '', text = '']) => [name, parse(text) as unknown]))
}

const WORDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  object: (value) => isObject(value),
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  point: (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value),
}

/** Compares documents with shapes, and remembers which parts of the shapes it has seen in a document. */
export class ShapeCheck {
  readonly #shapes: Shapes
  readonly #seen = new Set<string>()
  readonly #problems: string[] = []

  constructor(shapes: Shapes) {
    this.#shapes = shapes
  }

  /** What is wrong with a document, as lines; empty when it has the shape. */
  problems(name: string, document: unknown): readonly string[] {
    this.#problems.length = 0
    this.#named(name, document, name)
    return [...this.#problems]
  }

  /** Every part of every shape that no document had. */
  unseen(): readonly string[] {
    return [...this.#shapes].flatMap(([name, shape]) => partsOf(name, shape)).filter((part) => !this.#seen.has(part))
  }

  #named(name: string, value: unknown, at: string): void {
    if (!this.#shapes.has(name)) this.#problems.push(`${at}: the page has no shape ${name}`)
    else this.#compare(this.#shapes.get(name), value, { part: name, at })
  }

  #compare(shape: unknown, value: unknown, place: Place): void {
    this.#seen.add(place.part)
    if (Array.isArray(shape)) this.#list(shape[0], value, place)
    else if (isObject(shape)) this.#object(shape, value, place)
    else this.#word(String(shape), value, place)
  }

  #list(element: unknown, value: unknown, { part, at }: Place): void {
    if (!Array.isArray(value)) return void this.#problems.push(`${at}: no list`)
    for (const [index, item] of value.entries())
      this.#compare(element, item, { part: `${part}[]`, at: `${at}[${index}]` })
  }

  #object(shape: Readonly<Record<string, unknown>>, value: unknown, { part, at }: Place): void {
    if (!isObject(value)) return void this.#problems.push(`${at}: no object`)
    const known = new Set(Object.keys(shape).map((key) => key.replace('?', '')))
    for (const key of Object.keys(value)) if (!known.has(key)) this.#problems.push(`${at}.${key}: not on the page`)
    for (const [key, inner] of Object.entries(shape)) {
      const name = key.replace('?', '')
      if (name in value) this.#compare(inner, value[name], { part: `${part}.${key}`, at: `${at}.${name}` })
      else if (!key.endsWith('?')) this.#problems.push(`${at}.${name}: missing`)
    }
  }

  #word(text: string, value: unknown, { at }: Place): void {
    if (this.#shapes.has(text)) return this.#named(text, value, at)
    const fits = text.split(' | ').some((word) => WORDS[word]?.(value) ?? String(value) === word)
    if (!fits) this.#problems.push(`${at}: ${JSON.stringify(value)} is not ${text}`)
  }
}

interface Place {
  /** Where in the shape. */
  readonly part: string
  /** Where in the document. */
  readonly at: string
}

function partsOf(part: string, shape: unknown): readonly string[] {
  if (Array.isArray(shape)) return [part, ...partsOf(`${part}[]`, shape[0])]
  if (!isObject(shape)) return [part]
  return [part, ...Object.entries(shape).flatMap(([key, inner]) => partsOf(`${part}.${key}`, inner))]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
