/** Longest part of a value that is shown. */
const SHOWN = 60

/**
 * What stands in the file, for messages: `"abc"`, `5`, `a list`, `a map`, `nothing`. What looks like a private key or
 * like the credentials of a URL is not shown.
 */
export function spellFound(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return 'a map'
  if (/secret-key|private key/i.test(value)) return 'what looks like a private key (not shown)'
  const safe = value.replace(/\/\/[^/]*@/, '//[secret]@')
  return JSON.stringify(safe.length > SHOWN ? `${safe.slice(0, SHOWN)}…` : safe)
}

/** The kind of what stands in the file, without its value, for places where a secret may stand. */
export function spellFoundKind(value: unknown): string {
  if (typeof value === 'number') return 'a number'
  return typeof value === 'boolean' ? 'true or false' : spellFound(value)
}
