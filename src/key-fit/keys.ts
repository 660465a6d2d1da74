import { Failure } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../core/texts/secret-bytes.ts'
import { readEnvFile } from '../core/texts/env-file.ts'
import { deriveKey, withoutNewline } from './derive.ts'
import { openSealed } from './layouts.ts'
import type { DeclaredFit, KeySource, SecretPlace } from './schema.ts'
import { Tally, type KeyReport } from './verdict.ts'
import { valueIn } from './values.ts'
import type { EvidenceSource } from './evidence-source.ts'

/** A key as proofs use it. Held while the proofs run, printed nowhere. */
export type Key =
  | { readonly state: 'there'; readonly bytes: Buffer }
  | { readonly state: 'ring'; readonly byId: ReadonlyMap<string, Buffer> }
  /** There, and it cannot be the key. */
  | { readonly state: 'wrong'; readonly why: string }
  | { readonly state: 'absent'; readonly why: string }

/** All keys of one declaration, each made once. */
export class KeySet {
  readonly #fit: DeclaredFit
  readonly #world: EvidenceSource
  readonly #trimmed: boolean
  readonly #known = new Map<string, Promise<Key>>()
  /** What was seen of rings. */
  readonly tallies: Tally[] = []
  readonly evidence: string[] = []
  /** The ids of the keys of each ring. */
  readonly rings = new Map<string, readonly string[]>()

  /** `trimmed`: as if secrets had no line break at their end, to tell the operator that this is what is wrong. */
  constructor(fit: DeclaredFit, world: EvidenceSource, trimmed = false) {
    this.#fit = fit
    this.#world = world
    this.#trimmed = trimmed
  }

  get(name: string): Promise<Key> {
    const known = this.#known.get(name) ?? this.#make(name)
    this.#known.set(name, known)
    return known
  }

  /** The secret that a key begins with. */
  placeOf(name: string): SecretPlace {
    return this.rootOf(name).place
  }

  /** The same with the name of the key that is this secret. */
  rootOf(name: string): { readonly name: string; readonly place: SecretPlace } {
    const source = this.#fit.keys[name]
    if (source === undefined) throw new Failure('usage', `key fit ${this.#fit.name} has no key ${name}`)
    return source.kind === 'secret' ? { name, place: source } : this.rootOf(source.key)
  }

  async #make(name: string): Promise<Key> {
    const source = this.#fit.keys[name]
    if (source === undefined) throw new Failure('usage', `key fit ${this.#fit.name} has no key ${name}`)
    switch (source.kind) {
      case 'secret':
        return await this.#fromSecret(name, source)
      case 'derived':
        return await this.#fromKey(name, source)
      case 'ring':
        return await this.#fromRows(name, source)
    }
  }

  async #fromSecret(name: string, source: Extract<KeySource, { kind: 'secret' }>): Promise<Key> {
    const found = await secretBytes(source, this.#world)
    if (found === undefined) return { state: 'absent', why: `key ${name}: there is no ${placeOf(source)}` }
    const bytes = this.#trimmed ? withoutNewline(found) : found
    return keyOf(name, await deriveKey(bytes, source.steps))
  }

  async #fromKey(name: string, source: Extract<KeySource, { kind: 'derived' }>): Promise<Key> {
    const key = await this.get(source.key)
    return key.state === 'there' ? keyOf(name, await deriveKey(key.bytes, source.steps)) : key
  }

  async #fromRows(name: string, { key, rows, id, value, layout }: Extract<KeySource, { kind: 'ring' }>): Promise<Key> {
    const above = await this.get(key)
    if (above.state !== 'there') return above
    const byId = new Map<string, Buffer>()
    const tally = new Tally()
    this.tallies.push(tally)
    for await (const row of this.#world.rows(rows.component, rows)) {
      const found = valueIn(row, value)
      const opened = found.bytes && (await openSealed(found.bytes, above.bytes, [layout], ({ length }) => length > 0))
      // That a key was not authenticated is why rings prove nothing by themselves.
      if (opened?.plain === undefined) tally.add({ group: '', says: opened?.why === 'misfit' ? 'misfits' : 'corrupt' })
      else byId.set(row[id] ?? '', opened.plain)
    }
    if (tally.counts.corrupt + tally.counts.misfits > 0) this.evidence.push(...tally.words(`${name} in the database`))
    this.rings.set(name, [...byId.keys()])
    return { state: 'ring', byId }
  }
}

function keyOf(name: string, derived: Awaited<ReturnType<typeof deriveKey>>): Key {
  return derived.bytes === undefined
    ? { state: 'wrong', why: `key ${name} ${derived.why}` }
    : { state: 'there', bytes: derived.bytes }
}

async function secretBytes(place: SecretPlace, world: EvidenceSource): Promise<Buffer | undefined> {
  return variableOf(await world.secret(place.component, place.secret), place)
}

/** The value itself, or a variable of it where it is an environment file. */
export function variableOf(secret: Secret | undefined, { variable }: SecretPlace): Buffer | undefined {
  if (secret === undefined) return undefined
  const bytes = bytesOfSecret(secret)
  if (variable === undefined) return bytes
  const value = readEnvFile(bytes.toString('utf8')).get(variable)?.value
  return value === undefined ? undefined : Buffer.from(value)
}

function placeOf({ component, secret, variable }: SecretPlace): string {
  return `${variable === undefined ? '' : `variable ${variable} of `}secret ${secret} of component ${component}`
}

/** The secrets that a declaration takes keys from, by the names of the keys. */
export function secretPlaces(fit: DeclaredFit): readonly { readonly name: string; readonly place: SecretPlace }[] {
  return Object.entries(fit.keys).flatMap(([name, source]) =>
    source.kind === 'secret' ? [{ name, place: source }] : [],
  )
}

export async function reportKeys(fit: DeclaredFit, world: EvidenceSource): Promise<readonly KeyReport[]> {
  const reports: KeyReport[] = []
  for (const { name, place } of secretPlaces(fit)) {
    const { component, secret } = place
    const bytes = variableOf(await world.secret(component, secret), place)
    const fingerprint = bytes === undefined ? null : world.fingerprint(secretOfBytes(bytes))
    reports.push({ name, component, secret, fingerprint })
  }
  return reports
}
