import type { PostgresDetails } from '../../schema.ts'

/** For people: the tables that a restore leaves empty. */
export function emptyRemarks({ withoutRows = [] }: Pick<PostgresDetails, 'withoutRows'>): readonly string[] {
  return withoutRows.map(({ name }) => `${name} came back without rows, which the point leaves out on purpose`)
}
