export interface AcceptOptions {
  readonly accept?: readonly string[]
}

/** What an operator accepts of a dump. */
export function acceptedOfDump({ accept = [] }: AcceptOptions): {
  readonly trusted: boolean
  readonly withoutRows: boolean
} {
  return { trusted: accept.includes('trust-dump'), withoutRows: accept.includes('without-rows') }
}
