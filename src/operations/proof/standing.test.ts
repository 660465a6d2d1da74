import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Proof } from '../../repository/documents/documents.ts'
import { standingOf } from './standing.ts'

const common = { format: 1, repository: 'r', point: 'p', software: 's', commitSha256: 'c' } as const

type Draft = readonly [kind: 'verify' | 'drill', ok: boolean, facts?: Proof['facts']]

/** One an hour, oldest first. */
function proofs(drafts: readonly Draft[]): Proof[] {
  return drafts.map(([kind, ok, facts = {}], hour) => ({
    ...common,
    kind,
    ok,
    facts,
    created: new Date(hour * 3_600_000).toISOString(),
  }))
}

const SAMPLE = { sampled: true }
const PART = { inPart: true }

const cases: Readonly<
  Record<
    string,
    readonly [complete: boolean, drafts: readonly Draft[], failed: string | undefined, restored: number, inPart: number]
  >
> = {
  'nothing is known': [true, [], undefined, 0, 0],
  'a drill passed': [true, [['drill', true]], undefined, 1, 0],
  'a failed drill is not taken back by a verify': [
    true,
    [
      ['drill', false],
      ['verify', true],
    ],
    'drill',
    0,
    0,
  ],
  'a failed drill is taken back by a drill': [
    true,
    [
      ['drill', false],
      ['drill', true],
    ],
    undefined,
    1,
    0,
  ],
  'a drill that failed later counts': [
    true,
    [
      ['drill', true],
      ['drill', false],
      ['verify', true],
    ],
    'drill',
    1,
    0,
  ],
  'a failed verify is taken back by a verify': [
    true,
    [
      ['verify', false],
      ['verify', true],
    ],
    undefined,
    0,
    0,
  ],
  'a failed verify is taken back by a drill': [
    true,
    [
      ['verify', false],
      ['drill', true],
    ],
    undefined,
    1,
    0,
  ],
  'a failed verify is not taken back by a sample': [
    true,
    [
      ['verify', false],
      ['verify', true, SAMPLE],
    ],
    'verify',
    0,
    0,
  ],
  'a failed sample counts': [
    true,
    [
      ['verify', true],
      ['verify', false, SAMPLE],
    ],
    'verify',
    0,
    0,
  ],
  'a drill in part is none that failed': [false, [['drill', false, PART]], undefined, 0, 1],
  'a drill in part takes back one that failed': [
    false,
    [
      ['drill', false],
      ['drill', false, PART],
    ],
    undefined,
    0,
    1,
  ],
  'a drill that an older version called good': [false, [['drill', true]], undefined, 0, 1],
}

for (const [name, [complete, drafts, failed, restored, inPart]] of Object.entries(cases)) {
  test(`standing: ${name}`, () => {
    const standing = standingOf({ complete }, proofs(drafts))
    assert.equal(standing.failed?.kind, failed)
    assert.deepEqual([standing.restored, standing.restoredInPart].map(Boolean), [restored === 1, inPart === 1])
  })
}
