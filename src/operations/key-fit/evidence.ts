import { toFailure, type Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import type { EvidenceQuery, EvidenceRow, EvidenceTaker } from '../../components/evidence.ts'
import type { DeclaredFit } from '../../key-fit/schema.ts'
import { queriesOf } from '../../key-fit/queries.ts'
import { secretPlaces } from '../../key-fit/keys.ts'

/** What is held of all rows of one backup. A drill looks at rows as they come, and at all of them. */
const ROWS_BYTES_LIMIT = 64 * 1024 * 1024

type Taken = { readonly rows: readonly EvidenceRow[] } | { readonly rows?: undefined; readonly failure: Failure }

/** What components gave for key fit while they were captured. Secrets are held in memory until the verdict. */
export class BackupEvidence {
  readonly #fits: readonly DeclaredFit[]
  readonly #secrets = new Map<string, Secret>()
  readonly #rows = new Map<string, Taken>()
  #bytes = 0
  /** What could not be held. */
  readonly remarks: string[] = []

  constructor(fits: readonly DeclaredFit[]) {
    this.#fits = fits
  }

  takerFor(component: string): EvidenceTaker {
    const queries = new Map<string, EvidenceQuery>()
    for (const query of this.#fits.flatMap((fit) => queriesOf(fit, component))) queries.set(query.sql, query)
    return {
      queries: [...queries.values()],
      secrets: [...new Set(this.#wanted(component))],
      rows: (query, rows) => this.#takeRows(component, query, rows),
      secret: (name, value) => {
        if (this.#wanted(component).includes(name)) this.#secrets.set(keyOf(component, name), value)
      },
    }
  }

  #wanted(component: string): readonly string[] {
    const places = this.#fits.flatMap((fit) => secretPlaces(fit).map(({ place }) => place))
    return places.filter((place) => place.component === component).map(({ secret }) => secret)
  }

  async #takeRows(component: string, query: EvidenceQuery, rows: AsyncIterable<EvidenceRow>): Promise<void> {
    const held: EvidenceRow[] = []
    try {
      for await (const row of rows) {
        this.#bytes += Object.values(row).reduce((sum, value) => sum + (value?.length ?? 0), 0)
        if (this.#bytes > ROWS_BYTES_LIMIT) break
        held.push(row)
      }
      if (this.#bytes > ROWS_BYTES_LIMIT)
        this.remarks.push(`only the first rows of ${component} were looked at; a drill looks at all`)
      this.#rows.set(keyOf(component, query.sql), { rows: held })
    } catch (error) {
      this.#rows.set(keyOf(component, query.sql), { failure: toFailure(error) })
    }
  }

  secret(component: string, name: string): Secret | undefined {
    return this.#secrets.get(keyOf(component, name))
  }

  rows(component: string, sql: string): Taken | undefined {
    return this.#rows.get(keyOf(component, sql))
  }
}

function keyOf(component: string, name: string): string {
  return `${component}\0${name}`
}
