import type { Finding } from '../../core/restore-point.ts'

/** PostgreSQL versions are numbers as in `server_version_num`: 150018 is 15.18. */

/** The majors that are tested; older ones get no fixes any more, newer ones are unknown. */
export const OLDEST_MAJOR = 14
export const NEWEST_MAJOR = 18

/**
 * The first client minor of each major whose pg_dump and pg_restore are not known to run what a hostile server or dump
 * tells them to.
 */
const FLOORS: Readonly<Record<number, number>> = { 18: 180007, 17: 170012, 16: 160016, 15: 150020, 14: 140025 }

export function majorOf(version: number): number {
  return Math.floor(version / 10_000)
}

/** `150018` as `15.18`. */
export function describeVersion(version: number): string {
  return `${majorOf(version)}.${version % 10_000}`
}

/** The version in what `pg_dump --version` or `postgres --version` prints, or undefined if that is something else. */
export function parseVersion(text: string): number | undefined {
  const match = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(text)
  return match === null ? undefined : Number(match[1]) * 10_000 + Number(match[2] ?? 0)
}

/** Whether client tools of this version have known holes. Majors above the newest known one have no floor. */
export function isBelowFloor(version: number): boolean {
  const major = majorOf(version)
  return version < (FLOORS[major] ?? (major < OLDEST_MAJOR ? Infinity : 0))
}

/** The warning for tools below the floor. */
export function floorFinding(tools: { readonly version: number; readonly belowFloor: boolean }): Finding {
  const subject = `client tools ${describeVersion(tools.version)}`
  if (!tools.belowFloor) return { level: 'ok', subject, message: 'new enough' }
  const floor = FLOORS[majorOf(tools.version)]
  return {
    level: 'warning',
    subject,
    message: 'this release lets a hostile server or dump run commands on this machine',
    hint: `Install ${floor === undefined ? `version ${NEWEST_MAJOR}` : `${describeVersion(floor)} or newer`} of the PostgreSQL client.`,
  }
}

/** Of what was found, the wanted major, else the smallest newer one; of equal majors the newest minor. */
export function closestVersion<Found extends { readonly version: number }>(
  found: readonly Found[],
  major: number,
): Found | undefined {
  const usable = found.filter((one) => majorOf(one.version) >= major)
  return usable.toSorted((a, b) => majorOf(a.version) - majorOf(b.version) || b.version - a.version)[0]
}
