import assert from 'node:assert/strict'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import type { Ran } from './holdfast.ts'
import type { Lab } from './lab.ts'
import { readLive, type Live } from './live.ts'

/** The document of a command that failed with `--json`. */
export interface ErrorDocument {
  readonly kind: string
  readonly message: string
  readonly hint?: string
  readonly facts: Readonly<Record<string, unknown>>
}

export interface Expected {
  readonly code: number
  readonly kind: string
  readonly message: RegExp
  readonly hint: RegExp
}

/** The command must fail as documented: exit code, kind, a message that names the thing, a hint with the next step. */
export async function expectFailure(
  lab: Lab,
  args: readonly string[],
  expected: Expected,
  environment: Readonly<Record<string, string>> = {},
): Promise<ErrorDocument> {
  const ran = await lab.runWith(environment, ...args, '--json')
  return assertFailed(ran, expected)
}

export function assertFailed(ran: Ran, expected: Expected): ErrorDocument {
  const shown = `${ran.out}\n${ran.error}`
  assert.equal(ran.code, expected.code, shown)
  // --json promises this shape for every failure.
  const { error } = JSON.parse(ran.out) as { error: ErrorDocument }
  assert.equal(error.kind, expected.kind, shown)
  assert.match(error.message, expected.message)
  assert.match(error.message, /^[^A-Z]|^[A-Z]{2}|^"/, 'a message starts in lower case')
  assert.doesNotMatch(error.message, /\.$/, 'a message ends without a full stop')
  assert.match(error.hint ?? '', expected.hint)
  assert.doesNotMatch(shown, /\n {4}at /, 'no stack is shown')
  return error
}

/** What `holdfast points` lists; fails when it does not end with `code`. */
export async function listed(lab: Lab, code = 0): Promise<PointsReport> {
  return await lab.json<PointsReport>(['points'], code)
}

/** Runs `act` and asserts that it changed nothing of the live data, and added and removed no restore point. */
export async function changesNothing(lab: Lab, act: (before: Live) => Promise<unknown>): Promise<void> {
  const [live, points] = [await readLive(lab), await pointIds(lab)]
  await act(live)
  assert.deepEqual(await readLive(lab), live)
  assert.deepEqual(await pointIds(lab), points)
}

/** All points that are listed, whatever else is wrong with the repository. */
export async function pointIds(lab: Lab): Promise<readonly string[]> {
  const ran = await lab.run('points', '--json')
  assert.notEqual(ran.out, '', ran.error)
  return (JSON.parse(ran.out) as PointsReport).points.map(({ point }) => point)
}

/** Restores all of a point over the live data; fails when anything of it is left undone. */
export async function restoreWhole(lab: Lab, point: string): Promise<void> {
  const args = ['restore', '--at', point, '--yes', '--no-safety-point']
  const { report } = await lab.json<{ report: { outcome: string } }>(args)
  assert.equal(report.outcome, 'done')
}

/** Makes a restore point and gives its id. */
export async function backUp(lab: Lab, code = 0): Promise<string> {
  const { report } = await lab.json<{ report: { point: string } }>(['backup'], code)
  return report.point
}
