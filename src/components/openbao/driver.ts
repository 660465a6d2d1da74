import { placeOfServer } from '../../system/files/where-it-lies.ts'
import type { Driver } from '../driver.ts'
import type { RestoreTarget, TargetRequest } from '../target.ts'
import { keyFingerprints } from './capture/key-fingerprints.ts'
import { openbaoDestination } from './destination.ts'
import { openbaoDetails, openbaoSettings } from './schema.ts'
import type { OpenbaoDetails, OpenbaoSettings } from './schema.ts'

const DEFAULT_PORTS = { https: 443, http: 80 } as const

/** The KV mounts of an OpenBao server (or one that speaks the same), with all versions. Loaded by the call that needs it. */
export const openbaoDriver: Driver<OpenbaoSettings, OpenbaoDetails> = {
  kind: 'openbao',
  settings: openbaoSettings,
  details: openbaoDetails,
  check: async (...request) => (await import('./capture/check.ts')).checkOpenbao(...request),
  capture: async (...request) => (await import('./capture/keys.ts')).captureWithKeys(...request),
  examine: async (details, source) => (await import('./examine.ts')).examineOpenbao(details, source),
  listRetained: async (...request) => (await import('./restore/retained.ts')).retainedValues(...request),
  rights: {
    form: 'policy',
    text: async (...request) => (await import('./capture/policies.ts')).policyFor(...request),
  },
  serverSnapshot: {
    restore: async (...request) => (await import('./snapshot/snapshot-restore.ts')).restoreSnapshot(...request),
  },
  // Where a container runs nobody sees from here.
  place: ({ address, through }) =>
    Promise.resolve(
      through === undefined ? placeOfServer(address.startsWith('unix:') ? '/' : new URL(address).hostname) : {},
    ),
  server({ address, through }) {
    if (through !== undefined) return undefined
    if (address.startsWith('unix:')) return { socket: address.replace(/^unix:\/\//, '') }
    const { protocol, hostname, port } = new URL(address)
    return {
      host: hostname,
      port: port === '' ? DEFAULT_PORTS[protocol === 'https:' ? 'https' : 'http'] : Number(port),
    }
  },
  secrets: {
    captured: async (details, source, name) => (await import('./capture/keys.ts')).capturedKey(details, source, name),
    live: async (...request) => (await import('./capture/keys.ts')).liveKey(...request),
    fingerprints: keyFingerprints,
  },
  open: openTarget,
  destination: openbaoDestination,
  secretLists: {
    take: async (...request) => (await import('./kv/lists.ts')).takeList(...request),
    give: async (...request) => (await import('./kv/lists.ts')).giveList(...request),
  },
}

async function openTarget(settings: OpenbaoSettings, request: TargetRequest): Promise<RestoreTarget<OpenbaoDetails>> {
  switch (request.mode) {
    case 'swap':
      return (await import('./restore/swap-target.ts')).swapTarget(settings, request)
    case 'in-place':
      return (await import('./restore/in-place.ts')).inPlaceTarget(settings)
    case 'scratch':
      return new (await import('./restore/scratch.ts')).ScratchTarget(settings, request)
    default:
      return request satisfies never
  }
}
