import { networkInterfaces } from 'node:os'

/** Where a component's server is, for one that is reached by an address and not in a container by its name. */
export interface ServerAddress {
  /** The name of the component. */
  readonly component: string
  readonly at: { readonly host: string; readonly port: number } | { readonly socket: string }
}

/** For people. */
export function addressText({ at }: ServerAddress): string {
  return 'socket' in at ? at.socket : `${at.host}:${at.port}`
}

/** Whether the address is surely one of this machine. */
export function isThisMachine(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  if (bare === 'localhost' || bare === '::1' || /^127\.\d+\.\d+\.\d+$/.test(bare)) return true
  return Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === bare))
}
