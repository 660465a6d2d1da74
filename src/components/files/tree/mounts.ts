import { readFile, realpath } from 'node:fs/promises'
import { rawOf, rawOfText, type RawPath } from './names.ts'

/**
 * Places at or below `path` where something is mounted. A mounted folder cannot be renamed, and what is mounted below
 * one goes with it. Empty where the machine cannot say (not Linux).
 */
export async function mountsAt(path: string): Promise<readonly RawPath[]> {
  try {
    return mountPointsIn(rawOf(await readFile('/proc/self/mountinfo')), rawOfText(await realpath(path)))
  } catch {
    return []
  }
}

/** The fifth field of a line is the mount point, with spaces and the like as `\ooo`. */
export function mountPointsIn(table: string, path: RawPath): readonly RawPath[] {
  const points = table.split('\n').flatMap((line) => line.split(' ')[4] ?? [])
  const plain = points.map((point) =>
    point.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
  )
  return [...new Set(plain.filter((point) => point === path || point.startsWith(`${path}/`)))].sort()
}
