import { readCommit } from '../documents/signed.ts'
import { openDataKey } from '../keys/point-keys.ts'
import { bytesOf, collect } from '../documents/bytes.ts'
import { seal } from '../envelope/seal.ts'
import { TrustedSigners } from '../keys/signer.ts'
import { manifestName } from '../names.ts'
import { pack } from '../points/pack.ts'
import type { RepositoryState } from '../catalog/state.ts'
import { replaceBlob, type Fixture } from './fixture.ts'

/** What somebody can do who holds an identity and the storage's credentials, but no signing key. */

export async function readKey(fixture: Fixture, point: string): Promise<Buffer> {
  const { commit } = await readCommit(stateOf(fixture), point, fixture.context.signal)
  return (await openDataKey(stateOf(fixture), commit, [fixture.pair], fixture.context.signal)).dataKey
}

export async function rewriteManifest(fixture: Fixture, point: string, dataKey: Buffer): Promise<void> {
  const manifest = {
    format: 1,
    repository: fixture.repository.id,
    point,
    app: 'authentik',
    created: '2026-11-22T02:00:00.000Z',
    software: 'x',
    components: [],
    missing: [],
  }
  const packed = pack(bytesOf(Buffer.from(JSON.stringify(manifest))))
  const sealed = seal(packed.content, {
    dataKey,
    repository: fixture.repository.id,
    point,
    number: 0,
    kind: 5,
    compression: 1,
  })
  await replaceBlob(fixture.storage, manifestName(point), await collect(sealed, 2 ** 20, 'manifest'))
}

function stateOf({ repository, storage, signer, memory }: Fixture): RepositoryState {
  const trusted = new TrustedSigners([signer.id])
  return {
    id: repository.id,
    storage,
    trusted,
    signer,
    memory,
    software: 'x',
    host: 'x',
    graceMilliseconds: 0,
    leaseTiming: { ttlMilliseconds: 1, pollMilliseconds: 1 },
  }
}
