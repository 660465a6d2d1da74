/** What the dataset's SQL is written with. */
export interface DatasetPlan {
  /** Makes every value; two fills with the same seed and size give the same rows. */
  readonly seed: number
  readonly rows: RowCounts
  readonly roles: DatasetRoles
  /** The database that is filled. */
  readonly database: string
  /** Object ids of large objects count up from here, so that two fills give the same dump. */
  readonly firstLargeObject: number
}

export interface DatasetRoles {
  /** Owns everything. */
  readonly owner: string
  /** May read most of it. */
  readonly reader: string
}

export interface RowCounts {
  readonly accounts: number
  readonly sessions: number
  readonly signIns: number
  readonly auditEvents: number
  readonly certificates: number
  readonly largeObjects: number
  readonly largeObjectBlocks: number
}

/** One statement, or a few that belong together, with what they do for people who wait. */
export interface Step {
  readonly does: string
  readonly sql: string
}

/** The tables the demo and the tests talk about by name. */
export const LEDGER_TABLE = 'idp.request_ledger'
