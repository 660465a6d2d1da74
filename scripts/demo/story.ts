import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { identifier } from '../../src/components/postgres/connection/connection.ts'
import { formatDuration } from '../../src/cli/print/format.ts'
import { APP, withClient, type Place } from './place.ts'
import { say, type Show } from './show.ts'
import { checkSwap, startWriter } from './writer.ts'

const bytes = z.number()
const backupDocument = z.object({
  report: z.object({
    point: z.string(),
    truth: z.string(),
    components: z.array(z.object({ bytes })),
    repositories: z.array(z.object({ storedBytes: bytes })),
  }),
})
const verifyDocument = z.object({ report: z.object({ ok: z.literal(true), bytesRead: bytes }) })
const drillDocument = z.object({
  report: z.object({
    ok: z.literal(true),
    recoveryTimeMilliseconds: z.number(),
    components: z.array(z.object({ bytes })),
  }),
})
const restoreDocument = z.object({
  report: z.object({
    restoreId: z.string(),
    outcome: z.literal('done'),
    bytes,
    durationMilliseconds: z.number(),
    downtimeMilliseconds: z.number(),
    safetyPoint: z.string(),
  }),
})
const undoDocument = z.object({ report: z.object({ durationMilliseconds: z.number() }) })
const pruneDocument = z.object({ reports: z.array(z.object({ removed: z.array(z.string()) })) })

const sum = (parts: readonly { readonly bytes: number }[]): number =>
  parts.reduce((total, part) => total + part.bytes, 0)

/** init, check, backup, verify, drill: from nothing to a restore point that was restored and compared. */
export async function backUpAndProve(place: Place, show: Show): Promise<void> {
  const init = await show.holdfast([
    'init',
    '--identity-file',
    join(place.folder, 'holdfast-keys', 'identity.txt'),
    '--no-password',
  ])
  show.add({ name: 'init', milliseconds: init.milliseconds, note: 'keys made, repository created' })
  const check = await show.holdfast(['check'])
  show.add({ name: 'check', milliseconds: check.milliseconds, note: 'a backup can run' })
  await backUp(show, 'backup')
  const verify = await show.holdfast(['verify', 'latest'])
  show.add({
    name: 'verify',
    milliseconds: verify.milliseconds,
    bytes: verifyDocument.parse(verify.document).report.bytesRead,
    truth: 'read back',
    note: 'every stored byte decrypted, archives read whole',
  })
  const drill = await show.holdfast(['drill'])
  const { report } = drillDocument.parse(drill.document)
  show.add({
    name: 'drill',
    milliseconds: drill.milliseconds,
    bytes: sum(report.components),
    truth: 'restored',
    note: `measured recovery time ${formatDuration(report.recoveryTimeMilliseconds)}`,
  })
}

async function backUp(show: Show, name: string): Promise<void> {
  const { document, milliseconds } = await show.holdfast(['backup', APP])
  const { report } = backupDocument.parse(document)
  show.add({
    name,
    milliseconds,
    bytes: sum(report.components),
    truth: report.truth,
    note: `point ${report.point.slice(0, 12)}, ${Math.round((report.repositories[0]?.storedBytes ?? 0) / 1e6)} MB stored`,
  })
}

/** Destroys rows, a table and a key, and restores while a client goes on writing. */
export async function loseAndRestore(place: Place, show: Show): Promise<void> {
  say(
    '\nAn application starts to write, one row a transaction. Then the disaster: all sessions deleted, the sign-in log dropped, the signing keys gone.',
  )
  const writer = await startWriter(place.application)
  await sleep(500)
  await destroy(place)
  const { document, milliseconds } = await show.holdfast(['restore', APP, '--at', await firstPoint(show), '--yes'])
  await sleep(500)
  const written = await writer.stop()
  const { report } = restoreDocument.parse(document)
  show.add({
    name: 'restore by swap',
    milliseconds,
    bytes: report.bytes,
    truth: 'restored',
    note: `recovery time ${formatDuration(report.durationMilliseconds)} with safety point; fence to open ${formatDuration(report.downtimeMilliseconds)}`,
  })
  await assertRestored(place)
  const swap = await checkAcknowledgedWrites(place, report.restoreId, written.acknowledged)
  show.add({
    name: 'writes during it',
    milliseconds: written.longestGapMs,
    note: `the client's longest wait; ${swap.beforeSwap} writes before the swap, ${swap.afterSwap} after, 0 acknowledged writes lost`,
  })
}

/** The point of before the disaster: the newest may be one that was made of the ruins. */
async function firstPoint(show: Show): Promise<string> {
  const points = z.object({ points: z.array(z.object({ point: z.string() })).min(1) })
  const { document } = await show.holdfast(['points'])
  return points.parse(document).points.at(-1)?.point ?? 'latest'
}

async function destroy(place: Place): Promise<void> {
  await withClient(place.administrator(APP), async (client) => {
    await client.query('delete from idp.sessions')
    await client.query('drop table "Audit Log"."Sign-in Events" cascade')
  })
  await rm(join(place.keys, 'jwt'), { recursive: true })
}

async function assertRestored(place: Place): Promise<void> {
  const rows = await withClient(
    place.administrator(APP),
    async (client) =>
      (
        await client.query(
          'select (select count(*) from idp.sessions) as sessions, (select count(*) from "Audit Log"."Sign-in Events") as events',
        )
      ).rows,
  )
  const [{ sessions, events }] = z
    .tuple([z.object({ sessions: z.coerce.number().positive(), events: z.coerce.number().positive() })])
    .parse(rows)
  await access(join(place.keys, 'jwt', 'signing.pem'))
  say(`  back again: ${sessions} sessions, ${events} sign-in events, the signing key`)
}

/** The previous database is closed to everybody; it is opened for this look only. */
async function checkAcknowledgedWrites(
  place: Place,
  restoreId: string,
  acknowledged: Parameters<typeof checkSwap>[1],
): Promise<Awaited<ReturnType<typeof checkSwap>>> {
  const previous = `${APP}__prev_${restoreId}`
  const allow = (yes: boolean): Promise<unknown> =>
    withClient(place.administrator('postgres'), (client) =>
      client.query(`alter database ${identifier(previous)} allow_connections ${String(yes)}`),
    )
  await allow(true)
  try {
    const swap = await withClient(place.administrator(previous), (before) =>
      withClient(place.administrator(APP), (live) => checkSwap({ previous: before, live }, acknowledged)),
    )
    if (swap.lost.length > 0 || swap.behindFence.length > 0)
      throw new Error(
        `${swap.lost.length} acknowledged writes were lost, ${swap.behindFence.length} slipped behind the fence`,
      )
    return swap
  } finally {
    await allow(false)
  }
}

/** Undo brings the ruins back in a moment, and the same restore again; then old points are pruned. */
export async function undoAndPrune(show: Show): Promise<void> {
  const undo = await show.holdfast(['undo', APP, '--yes'])
  show.add({
    name: 'undo',
    milliseconds: undo.milliseconds,
    note: `the database from before the restore is live again after ${formatDuration(undoDocument.parse(undo.document).report.durationMilliseconds)}`,
  })
  await backUp(show, 'backup')
  await backUp(show, 'backup')
  const plan = await show.holdfast(['prune', APP, '--dry-run'])
  const hash = z.object({ plans: z.tuple([z.object({ plan: z.object({ hash: z.string() }) })]) }).parse(plan.document)
    .plans[0].plan.hash
  const prune = await show.holdfast(['prune', APP, '--accept', `prune-${hash}`])
  const removed = pruneDocument.parse(prune.document).reports.flatMap((report) => report.removed)
  show.add({
    name: 'prune',
    milliseconds: prune.milliseconds,
    note: `${removed.length} points removed by the rules (kept: newest, newest drilled, last 2); undelete for 72 h`,
  })
}
