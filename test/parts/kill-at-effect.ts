import { appendFileSync } from 'node:fs'
import { directEffects } from '../../src/system/effects.ts'
import type { DeathAt } from '../e2e/dying-command.ts'

/** Loaded into the real command before all else: lists its effects in a file, and kills the process at one of them. */
const { KILL_EFFECTS: file, KILL_AT: given } = process.env
// Our own test wrote it.
const at = given === undefined ? undefined : (JSON.parse(given) as DeathAt)
const run = directEffects.run.bind(directEffects)
const counts = new Map<string, number>()
const die = (): void => void process.kill(process.pid, 'SIGKILL')

async function runAndDie<Result>(full: string, act: () => Promise<Result>): Promise<Result> {
  // Every restore has an id of its own.
  const name = full.replace(/-[0-9a-f]{8}$/, '-…')
  const occurrence = (counts.get(name) ?? 0) + 1
  counts.set(name, occurrence)
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, occurrence })}\n`)
  if (name !== at?.name || occurrence !== at.occurrence) return await run(full, act)
  if (at.death === 'before') die()
  if (typeof at.death === 'number') setTimeout(die, at.death)
  const result = await run(full, act)
  die()
  return result
}

Object.assign(directEffects, { run: runAndDie })
