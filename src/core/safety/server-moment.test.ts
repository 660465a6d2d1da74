import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wentBack, type ServerMoment } from './server-moment.ts'

const then: ServerMoment = { server: 'a'.repeat(16), timeline: 2, position: '1/FFFFFFF0' }

const goesOn: readonly [what: string, now: Partial<ServerMoment>][] = [
  ['the same moment', {}],
  ['later in its log, across the border of a word', { position: '2/10' }],
  ['a failover that lost nothing', { timeline: 3, position: '2/0' }],
  ['a server that does not say its timeline', { timeline: null }],
  ['a standby', { position: null, timeline: null }],
]
for (const [what, now] of goesOn)
  test(`${what} goes on`, () => assert.equal(wentBack(then, { ...then, ...now }), undefined))

const goesBack: readonly [what: string, now: Partial<ServerMoment>, said: RegExp][] = [
  ['another server', { server: 'b'.repeat(16), position: '9/0' }, /another server/],
  ['an earlier timeline', { timeline: 1, position: '9/0' }, /timeline was 2 and is 1/],
  ['an earlier place in the log', { position: '1/FFFFFFEF' }, /log was at 1\/FFFFFFF0 and is at 1\/FFFFFFEF/],
  ['a shorter text of a later word', { position: '0/FFFFFFFF' }, /is at 0\/FFFFFFFF/],
  ['a restore to an earlier moment, which begins a timeline', { timeline: 3, position: '1/0' }, /is at 1\/0/],
  ['another standby', { server: 'b'.repeat(16), position: null, timeline: null }, /another server/],
]
for (const [what, now, said] of goesBack)
  test(`${what} went back`, () => assert.match(wentBack(then, { ...then, ...now }) ?? '', said))
