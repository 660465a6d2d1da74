import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Difference } from '../../core/restore-point.ts'
import { Secret } from '../../core/secret.ts'
import type { ArtifactSource } from '../driver.ts'
import { canariesOf, readCanaries } from './canaries.ts'
import { SECRETS, SNAPSHOT } from './capture.ts'
import { Client, parseAnswer } from './client.ts'
import type { OpenbaoDetails, OpenbaoSettings } from './schema.ts'
import { sendSnapshot } from './snapshot-restore.ts'
import { findProgram, startThrowAway } from './throw-away.ts'
import type { ThrowAwayServer } from './throw-away.ts'

/** Whether the settings and the point allow to try the snapshot; else why not. */
export function whyNoDrill(
  { drillUnsealKeys }: OpenbaoSettings,
  { snapshot, seal }: OpenbaoDetails,
): string | undefined {
  if (snapshot === null) return 'the restore point has none'
  if (drillUnsealKeys === undefined) return 'drillUnsealKeys gives no keys to open it with'
  return seal.type === 'shamir' ? undefined : `the ${seal.type} seal opens only on the server that has it`
}

/**
 * Restores the snapshot into a throw-away server of its own by force, unseals it with the keys of the settings, and reads
 * captured secrets with a root token that those keys make. Raft needs a port: of the loopback, for as long as this takes.
 */
export async function drillSnapshot(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  source: ArtifactSource,
  folder: string,
  context: Context,
): Promise<readonly Difference[]> {
  const keys = await Promise.all((settings.drillUnsealKeys ?? []).map((key) => key.resolve()))
  const program = await findProgram(settings.serverProgram)
  await mkdir(folder, { mode: 0o700 })
  const server = await startThrowAway({ program, folder, storage: 'raft', context })
  try {
    await withToken(server, server.rootToken, context, (client) => sendSnapshot(client, source.read(SNAPSHOT), true))
    await untilSealed(server, context)
    // In its memory it has the seal of its own single share, and would take each key of several for the whole.
    await server.restart()
    await unsealWith(server, keys)
    const canaries = await canariesOf(source.read(SECRETS), details)
    const token = await makeRoot(server, keys, context)
    const isRead = await withToken(server, token, context, (client) => readCanaries(canaries, client))
    return isRead ? [] : [{ subject: 'raft snapshot', expected: 'a captured secret in it', found: 'none' }]
  } finally {
    await context.effects.run('openbao: remove the throw-away server of the snapshot', () => server.stop())
  }
}

const SEAL_LIMIT = 15_000
const sealStatus = z.object({ sealed: z.boolean() })

/**
 * The server takes the snapshot and seals itself a moment later, since the keyring is another. Keys that come before are
 * for the old one and are lost. One that does not seal is left to the reading of a captured secret.
 */
async function untilSealed(server: ThrowAwayServer, context: Context): Promise<void> {
  const deadline = context.clock.monotonic() + SEAL_LIMIT
  await withToken(server, undefined, context, async (client) => {
    while (!(await client.get('sys/seal-status', sealStatus)).sealed && context.clock.monotonic() < deadline)
      await context.clock.sleep(50, context.signal)
  })
}

async function unsealWith(server: ThrowAwayServer, keys: readonly Secret[]): Promise<void> {
  try {
    await server.unsealWith(keys)
  } catch (cause) {
    throw new Failure('refused', 'the keys of drillUnsealKeys do not open the raft snapshot', {
      cause,
      hint: 'Give as many keys of the captured server as its threshold asks for. Until then, count the snapshot as lost.',
    })
  }
}

const attempt = z.object({ nonce: z.string(), otp: z.string() })
const progress = z.object({ complete: z.boolean(), encoded_token: z.string() })

/** The tokens in a snapshot may have ended; whoever has enough unseal keys may make a root token. */
function makeRoot(server: ThrowAwayServer, keys: readonly Secret[], context: Context): Promise<Secret> {
  return withToken(server, undefined, context, async (client) => {
    const path = 'sys/generate-root/attempt'
    const { nonce, otp } = parseAnswer(await client.call({ method: 'PUT', path, body: {} }), attempt, path)
    for (const key of keys) {
      const body = { nonce, key: key.reveal() }
      const answer = await client.call({ method: 'PUT', path: 'sys/generate-root/update', body })
      const { complete, encoded_token: encoded } = parseAnswer(answer, progress, path)
      if (complete) return new Secret(decoded(encoded, otp))
    }
    throw new Failure('refused', 'the keys of drillUnsealKeys are too few to make a token', {
      hint: 'Give as many as the threshold asks for.',
    })
  })
}

function decoded(encoded: string, otp: string): string {
  const bytes = Buffer.from(encoded, 'base64')
  const pad = Buffer.from(otp)
  return Buffer.from(bytes.map((byte, place) => byte ^ (pad[place] ?? 0))).toString('utf8')
}

const PATIENCE = 30_000

async function withToken<Result>(
  { address }: ThrowAwayServer,
  token: Secret | undefined,
  context: Context,
  act: (client: Client) => Promise<Result>,
): Promise<Result> {
  const credentials = token === undefined ? undefined : ({ type: 'token', token } as const)
  const server = { address, namespace: undefined, ca: undefined, credentials }
  const client = new Client({ ...server, workers: 1, retryMilliseconds: PATIENCE }, context)
  try {
    return await act(client)
  } finally {
    await client.close()
  }
}
