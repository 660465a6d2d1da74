import { InvalidArgumentError, Option } from 'commander'

/** What an import refuses unless it is accepted by its name. */
const ACCEPTABLE = ['without-rows', 'trust-dump'] as const
export type ImportAcceptance = (typeof ACCEPTABLE)[number]

/** `--accept <id>`, which may be repeated. */
export function acceptOption(): Option {
  return new Option(
    '--accept <id>',
    'without-rows: take a dump that lacks rows and name them; trust-dump: as --trust-dump (may be repeated)',
  ).argParser((id: string, before?: readonly ImportAcceptance[]) => [...(before ?? []), acceptanceOf(id)])
}

function acceptanceOf(id: string): ImportAcceptance {
  const found = ACCEPTABLE.find((one) => one === id)
  if (found === undefined) throw new InvalidArgumentError(`It is one of ${ACCEPTABLE.join(', ')}.`)
  return found
}

export interface AcceptOptions {
  readonly accept?: readonly ImportAcceptance[]
  readonly trustDump?: boolean
}

/** What an operator accepts, by either way of saying it. */
export function acceptedBy({ accept = [], trustDump = false }: AcceptOptions): {
  readonly trusted: boolean
  readonly withoutRows: boolean
} {
  return { trusted: trustDump || accept.includes('trust-dump'), withoutRows: accept.includes('without-rows') }
}
