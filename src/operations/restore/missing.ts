import type { PointReader } from '../../repository/repository.ts'

/** Of all that the point lacks, what was asked for. */
export function missingOf({ manifest }: PointReader, chosen: readonly string[] | undefined): readonly string[] {
  return manifest.missing.map(({ name }) => name).filter((name) => chosen?.includes(name) !== false)
}
