import type { Option } from 'commander'
import { acceptOption } from './accept-option.ts'

/** What an import refuses unless it is accepted by its name. */
const ACCEPTABLE = ['without-rows', 'trust-dump'] as const

export function importAcceptOption(): Option {
  const says = 'without-rows: take a dump that lacks rows and name them; trust-dump: as --trust-dump (may be repeated)'
  return acceptOption(ACCEPTABLE, says)
}

export interface AcceptOptions {
  readonly accept?: readonly (typeof ACCEPTABLE)[number][]
  readonly trustDump?: boolean
}

/** What an operator accepts, by either way of saying it. */
export function acceptedBy({ accept = [], trustDump = false }: AcceptOptions): {
  readonly trusted: boolean
  readonly withoutRows: boolean
} {
  return { trusted: trustDump || accept.includes('trust-dump'), withoutRows: accept.includes('without-rows') }
}
