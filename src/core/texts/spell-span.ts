const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** A length of time in its largest unit of which there are two: `3 d`, `30 h`, `5 min`. */
export function spellSpan(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return 'nobody knows how'
  const [unit, size] = UNITS.find(([, each]) => milliseconds >= 2 * each) ?? UNITS[2]
  return `${Math.floor(milliseconds / size)} ${unit}`
}

/** `2026-11-22 02:00 UTC`. */
export function spellMoment(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return 'a time that is not known'
  const text = new Date(milliseconds).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`
}
