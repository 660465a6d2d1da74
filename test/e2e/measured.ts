import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ownPeak, runMeasured } from '../../bench/child.ts'
import { HOLDFAST } from '../../bench/project.ts'
import type { Lab } from './lab.ts'

/** What is promised of our own process, whatever the size of the data. */
export const MOST_MIB = 256

/** One command in a process of its own: the document that it prints, unless our part of it had more memory than promised. */
export async function withinMemory(
  t: TestContext,
  lab: Lab,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const run = await runMeasured({
    file: HOLDFAST,
    args: ['--config', join(lab.folder, 'holdfast.yaml'), ...args, '--json', '--quiet'],
    environment: { ...lab.environment, ...environment, HOME: lab.folder },
    signal: t.signal,
  })
  const what = args.slice(0, 2).join(' ')
  const peak = ownPeak(run) ?? Infinity
  t.diagnostic(`${what}: ${Math.round(peak)} MiB at most, ${Math.round(run.seconds)} s`)
  assert.ok(peak < MOST_MIB, `${what} took ${Math.round(peak)} MiB`)
  return JSON.parse(run.stdout)
}
