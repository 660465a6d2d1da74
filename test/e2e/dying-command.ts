import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EffectAt } from '../parts/dying-effects.ts'
import { start, type Ran } from './holdfast.ts'
import { PASSWORD } from './lab.ts'

/** Before the effect, so many milliseconds after it began, or when it has happened. */
export interface DeathAt extends EffectAt {
  readonly death: 'before' | number | 'after'
}

const KILLED = 128 + 9
const HOOK = join(import.meta.dirname, '..', 'parts', 'kill-at-effect.ts')

/** The real command in a process that gets SIGKILL at this effect; with its effects in order, up to its end. */
export async function runDying(
  folder: string,
  args: readonly string[],
  at?: DeathAt,
): Promise<{ readonly ran: Ran; readonly effects: readonly EffectAt[] }> {
  const file = join(folder, `effects-${process.hrtime.bigint()}`)
  const killed = at === undefined ? {} : { KILL_AT: JSON.stringify(at) }
  const environment = { HOLDFAST_PASSWORD: PASSWORD, NODE_OPTIONS: `--import=${HOOK}`, KILL_EFFECTS: file, ...killed }
  const ran = await start(folder, args, environment).ended
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  // Our own hook wrote them.
  return { ran, effects: lines.map((line) => JSON.parse(line) as EffectAt) }
}

/** Fails when the command did not get to the effect. */
export async function dieAt(folder: string, args: readonly string[], at: DeathAt): Promise<void> {
  const { ran } = await runDying(folder, args, at)
  assert.equal(ran.code, KILLED, `${args.join(' ')} never reached ${at.name} (${at.occurrence}): ${ran.error}`)
}
