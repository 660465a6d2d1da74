import type { Clue } from '../../../profiles/shape.ts'
import type { Thing } from '../../../platforms/surroundings.ts'

/** Whether a thing has any of what a clue names. */
export function matches({ names, labels, images, variables }: Clue, thing: Thing): boolean {
  return (
    matchesAny(names, thing.name) ||
    (labels ?? []).some((label) => hasLabel(label, thing)) ||
    thing.containers.some(({ image }) => isImage(images, image)) ||
    (variables ?? []).some((name) => thing.variables[name] !== undefined)
  )
}

/** In a pattern `*` stands for any text. */
export function matchesAny(patterns: readonly string[] | undefined, text: string): boolean {
  return (patterns ?? []).some((pattern) => globOf(pattern).test(text))
}

/** `docker.io/goauthentik/server:2026.2` is `goauthentik/server`, and `server`. */
export function isImage(patterns: readonly string[] | undefined, image: string): boolean {
  const path = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const parts = path.split('/')
  const ends = parts.map((_, index) => parts.slice(index).join('/'))
  return ends.some((end) => matchesAny(patterns, end))
}

function hasLabel(label: string, { labels }: Thing): boolean {
  const [key = '', value = ''] = label.split(/=(.*)/s)
  return labels[key] === value
}

function globOf(pattern: string): RegExp {
  const literal = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replaceAll('*', '.*')}$`, 's')
}

/** For people: what a clue names. */
export function clueText({ names, labels, images, variables }: Clue): string {
  const parts = { names, labels, images, variables }
  return Object.entries(parts)
    .flatMap(([what, list]) => (list === undefined || list.length === 0 ? [] : [`${what} ${list.join(', ')}`]))
    .join('; ')
}
