import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import { Secret } from '../../../core/secret.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { spotChecksOf, readSpotChecks } from '../capture/spot-checks.ts'
import { SECRETS, SNAPSHOT } from '../capture/capture.ts'
import { Client, parseAnswer } from '../client/client.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { sendSnapshot } from './snapshot-restore.ts'
import { findProgram, startThrowAway } from '../private-server/throw-away.ts'
import type { ThrowAwayServer } from '../private-server/throw-away.ts'

/** Whether the settings and the point allow to try the snapshot; else why not. */
export function whyNoDrill(
  { drillUnsealKeys, drillSealKeys }: OpenbaoSettings,
  { snapshot, seal: { type } }: OpenbaoDetails,
): string | undefined {
  if (snapshot === null) return 'the restore point has none'
  if (type !== 'shamir' && type !== STATIC)
    return `the ${type} seal needs what no throw-away server has, so it cannot be tested here. Try it with holdfast openbao snapshot-restore on a spare server with that seal`
  if (type === STATIC && drillSealKeys === undefined)
    return 'drillSealKeys gives no key of the static seal to open it with'
  if (drillUnsealKeys !== undefined) return undefined
  return `drillUnsealKeys gives no ${type === STATIC ? 'recovery keys to read it with' : 'keys to open it with'}`
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
  const seal = details.seal.type === STATIC ? await sealText(settings.drillSealKeys ?? []) : undefined
  const options = { program, folder, storage: 'raft', context } as const
  const server = await startThrowAway(seal === undefined ? options : { ...options, seal })
  try {
    await withToken(server, server.rootToken, context, (client) =>
      sendSnapshot(client, source.read(SNAPSHOT), true, details),
    )
    await (seal === undefined ? unsealAnew(server, keys, details, context) : openAnew(server))
    const spotChecks = await spotChecksOf(source.read(SECRETS), details)
    const token = await makeRoot(server, keys, context)
    const isRead = await withToken(server, token, context, (client) => readSpotChecks(spotChecks, client))
    return isRead ? [] : [{ subject: 'raft snapshot', expected: 'a captured secret in it', found: 'none' }]
  } finally {
    await context.effects.run('openbao: remove the throw-away server of the snapshot', () => server.stop())
  }
}

async function unsealAnew(
  server: ThrowAwayServer,
  keys: readonly Secret[],
  details: OpenbaoDetails,
  context: Context,
): Promise<void> {
  await untilSealed(server, context)
  // In its memory it has the seal of its own single share, and would take each key of several for the whole.
  await server.restart()
  await unsealWith(server, keys, details)
}

const STATIC = 'static'

/** A server of a seal of its own opens itself when it starts, if it can. */
async function openAnew(server: ThrowAwayServer): Promise<void> {
  await server.restart()
  await server.untilActive().catch((cause: unknown) => {
    throw new Failure('refused', 'the keys of drillSealKeys do not open the raft snapshot', {
      cause,
      hint: 'Give the id and the key that the server had as current when the point was captured. Until then, count the snapshot as lost.',
    })
  })
}

/** A key in a file is read by the server itself: it may be bytes that are no text. */
async function sealText([current, previous]: NonNullable<OpenbaoSettings['drillSealKeys']>): Promise<string> {
  const keys = [['current', current] as const, ['previous', previous] as const]
  const lines = await Promise.all(keys.map(async ([which, given]) => (given ? await keyLines(which, given) : '')))
  return `seal "static" {\n${lines.join('')}}`
}

type SealKey = NonNullable<OpenbaoSettings['drillSealKeys']>[number]

async function keyLines(which: string, { id, key }: SealKey): Promise<string> {
  const text = key.scheme === 'file' ? key.toString().replace(/^file:/, 'file://') : (await key.resolve()).reveal()
  return `  ${which}_key_id = ${JSON.stringify(id)}\n  ${which}_key = ${JSON.stringify(text)}\n`
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

async function unsealWith(
  server: ThrowAwayServer,
  keys: readonly Secret[],
  { seal: { threshold, shares } }: OpenbaoDetails,
): Promise<void> {
  try {
    await server.unsealWith(keys)
  } catch (cause) {
    throw new Failure('refused', 'the keys of drillUnsealKeys do not open the raft snapshot', {
      cause,
      hint: `Give ${threshold} of the ${shares} keys that the server had when the point was captured, from before any rekey since. Until then, count the snapshot as lost.`,
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
