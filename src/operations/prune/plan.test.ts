import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetentionPolicy } from '../../core/retention/retention.ts'
import { noRules } from '../../core/testing/no-rules.ts'
import type { Commit, Proof } from '../../repository/documents/documents.ts'
import type { Catalog, CatalogPoint } from '../../repository/repository.ts'
import { decideRemovals, type PruneObservations, type PrunePlan } from './plan.ts'

const HOUR = 3_600_000
const now = new Date('2026-11-22T03:00:00Z')
const repository = { id: '5'.repeat(32) }
const policy = { ...noRules, last: 8 }
const portal = { name: 'portal', retention: policy, intervalMilliseconds: 24 * HOUR }
const calm = {
  now,
  storageSkewMilliseconds: 0,
  lastBackupFailed: false,
  inUse: new Set<string>(),
  unopenable: new Map<string, string>(),
}
const noPoints = { points: [], damaged: [], removed: [], alarms: [], unread: [] }
const lastPolicyHash = decideRemovals(portal, repository, noPoints, { ...calm, lastPolicyHash: undefined }).policyHash

function observe(changes: Partial<PruneObservations> = {}): PruneObservations {
  return { ...calm, lastPolicyHash, ...changes }
}

function idOf(sequence: number): string {
  return String(sequence).padStart(32, '0')
}

interface Draft {
  readonly app?: string
  readonly complete?: boolean
  readonly held?: boolean
  readonly proofs?: readonly (readonly [kind: Proof['kind'], ok: boolean, created?: string, facts?: Proof['facts']])[]
}

function pointOf(
  sequence: number,
  { app = 'portal', complete = true, held = false, proofs = [] }: Draft = {},
): CatalogPoint {
  const point = idOf(sequence)
  const common = { format: 1, repository: repository.id, point, software: 'holdfast 0.1.0' } as const
  const commit: Commit = {
    ...common,
    app,
    sequence,
    previous: null,
    created: new Date(now.getTime() - (100 - sequence) * HOUR).toISOString(),
    complete,
    components: [],
    artifacts: [],
    manifest: { size: 1, sha256: 'a'.repeat(64) },
    keyCommitment: 'b'.repeat(64),
    remarks: [],
  }
  const commitSha256 = 'c'.repeat(64)
  return {
    point,
    commit,
    commitSha256,
    signer: 'ed25519:any',
    held,
    proofs: proofs.map(([kind, ok, created = now.toISOString(), facts = {}]) => ({
      ...common,
      kind,
      ok,
      created,
      commitSha256,
      facts,
    })),
  }
}

function catalogOf(points: readonly CatalogPoint[], rest: Partial<Catalog> = {}): Catalog {
  return { ...noPoints, points, ...rest }
}

/** Points 91 to 100, one an hour, the last of them now. */
function ten(drafts: Readonly<Record<number, Draft>> = {}): CatalogPoint[] {
  return Array.from({ length: 10 }, (_, index) => pointOf(91 + index, drafts[91 + index]))
}

function plan(points: readonly CatalogPoint[], changes: Partial<PruneObservations> = {}): PrunePlan {
  return decideRemovals(portal, repository, catalogOf(points), observe(changes))
}

const numbers = ({ removals }: PrunePlan): number[] => removals.map(Number)

test('removals are what no rule keeps, oldest first', () => {
  const result = plan(ten())
  assert.deepEqual(numbers(result), [91, 92])
  assert.deepEqual(result.needsApproval, [])
  assert.equal(result.verdicts.length, 10)
  assert.deepEqual([result.app, result.repository], ['portal', repository.id])
})

test('each app has its own retention', () => {
  const others = ten().map(({ commit }) => pointOf(commit.sequence - 50, { app: 'other' }))
  assert.deepEqual(numbers(plan([...others, ...ten()])), [91, 92])
})

test('held points, points in use and the newest drilled point stay', () => {
  assert.deepEqual(numbers(plan(ten({ 91: { held: true } }))), [92])
  assert.deepEqual(numbers(plan(ten(), { inUse: new Set([idOf(92)]) })), [91])
  assert.deepEqual(numbers(plan(ten({ 92: { proofs: [['drill', true]] } }))), [91])
})

test('incomplete and disproved points do not count as good', () => {
  const isGone = (draft: Draft): boolean => numbers(plan(ten({ 91: {}, 95: draft }))).join() === '91'
  assert.ok(isGone({ complete: false }))
  assert.ok(isGone({ proofs: [['verify', false]] }))
  assert.ok(
    isGone({
      proofs: [
        ['drill', true, '2026-11-20T00:00:00Z'],
        ['verify', false, '2026-11-21T00:00:00Z'],
      ],
    }),
  )
  assert.ok(
    !isGone({
      proofs: [
        ['verify', false, '2026-11-20T00:00:00Z'],
        ['verify', true, '2026-11-21T00:00:00Z'],
      ],
    }),
  )
  assert.ok(
    !isGone({
      proofs: [
        ['hold', false],
        ['release', false],
      ],
    }),
  )
})

test('of two proofs from one moment the failed one counts', () => {
  for (const proofs of [
    [
      ['verify', true],
      ['verify', false],
    ],
    [
      ['verify', false],
      ['verify', true],
    ],
  ] as const) {
    assert.deepEqual(numbers(plan(ten({ 95: { proofs } }))), [91])
  }
})

test('a drill that failed freezes until one succeeds, whatever was verified since', () => {
  const failed = ['drill', false, '2026-11-20T00:00:00Z'] as const
  assert.deepEqual(plan(ten({ 95: { proofs: [failed, ['verify', true, '2026-11-21T00:00:00Z']] } })).freezes, [
    'the last drill failed',
  ])
  const later = ten({
    95: { proofs: [failed, ['verify', true, '2026-11-22T00:00:00Z']] },
    96: { proofs: [['drill', true, '2026-11-21T00:00:00Z']] },
  })
  assert.deepEqual(plan(later).freezes, [])
  // The drill did restore nothing of 95, so it holds no slot.
  assert.deepEqual(numbers(plan(later)), [91])
})

test('a drill of an incomplete point makes no drilled point, freezes nothing and takes no failure back', () => {
  const inPart = ['drill', false, '2026-11-22T00:00:00Z', { inPart: true }] as const
  const greenOnce = ['drill', true, '2026-11-22T00:00:00Z'] as const
  for (const proof of [inPart, greenOnce]) {
    const incomplete = { complete: false, proofs: [proof] }
    assert.deepEqual(plan(ten({ 91: incomplete })).freezes, [])
    assert.deepEqual(numbers(plan(ten({ 91: incomplete }))), [91, 92])
    const failed = ['drill', false, '2026-11-21T00:00:00Z'] as const
    const before = ten({ 95: { complete: false, proofs: [proof] }, 96: { proofs: [failed] } })
    assert.deepEqual(plan(before).freezes, ['the last drill failed'])
  }
})

test('a backup that failed or is incomplete freezes', () => {
  assert.deepEqual(plan(ten(), { lastBackupFailed: true }).freezes, ['the last backup failed'])
  assert.deepEqual(plan(ten({ 100: { complete: false } })).freezes, ['the last backup failed'])
  assert.deepEqual(plan(ten({ 99: { complete: false } })).freezes, [])
})

test('backups that stopped freeze', () => {
  const later = new Date(now.getTime() + 48 * HOUR)
  assert.deepEqual(plan(ten(), { now: later }).freezes, ['no good point is younger than twice the backup interval'])
  assert.deepEqual(plan(ten(), { now: later }).removals, [])
})

test('what is damaged, an alarm, or a wrong clock refuses', () => {
  const damaged = [{ point: 'x', kind: 'denied', message: 'not trusted' }] as const
  const refused = (catalog: Catalog, changes: Partial<PruneObservations> = {}): PrunePlan =>
    decideRemovals(portal, repository, catalog, observe(changes))
  for (const result of [
    refused(catalogOf(ten(), { damaged })),
    refused(catalogOf(ten(), { alarms: ['a point is gone'] })),
    refused(catalogOf(ten()), { storageSkewMilliseconds: 360_000 }),
    refused(catalogOf(ten()), { now: new Date(now.getTime() - HOUR) }),
  ]) {
    assert.equal(result.refusals.length, 1)
    assert.deepEqual(result.removals, [])
  }
})

test('the first plan and the first plan of another policy need approval', () => {
  assert.deepEqual(
    decideRemovals(portal, repository, catalogOf(ten()), observe({ lastPolicyHash: undefined })).needsApproval,
    ['the policy changed since the last prune'],
  )
  const other = { ...portal, retention: { ...policy, last: 9 } }
  assert.deepEqual(decideRemovals(other, repository, catalogOf(ten()), observe()).needsApproval, [
    'the policy changed since the last prune',
  ])
})

test('equal plans have equal hashes, and nothing else has', () => {
  const hash = (points = ten(), app = portal, id = repository.id): string =>
    decideRemovals(app, { id }, catalogOf(points), observe()).hash
  const reordered = {
    ...portal,
    retention: Object.fromEntries(Object.entries(policy).reverse()) as unknown as RetentionPolicy,
  }
  assert.equal(hash(), hash(ten(), reordered))
  assert.match(hash(), /^[0-9a-f]{64}$/)
  const hashes = [
    hash(),
    hash(ten({ 91: { held: true } })),
    hash(ten(), { ...portal, retention: { ...policy, daily: 1 } }),
    hash(ten(), portal, '6'.repeat(32)),
    hash(
      ten().map((point) => ({ ...point, commit: { ...point.commit, app: 'other' } })),
      { ...portal, name: 'other' },
    ),
  ]
  assert.equal(new Set(hashes).size, hashes.length)
})

test('an approved plan stays the same while nothing it removes changes', () => {
  const before = plan(ten())
  const after = plan(ten({ 97: { proofs: [['verify', true]] } }), { now: new Date(now.getTime() + HOUR) })
  assert.equal(after.hash, before.hash)
})
