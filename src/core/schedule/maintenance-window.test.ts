import assert from 'node:assert/strict'
import { test } from 'node:test'
import { weekdays, windowAt, type MaintenanceWindow } from './maintenance-window.ts'

function stateAt(now: string, window: Partial<MaintenanceWindow>): string {
  const usual = { days: weekdays, from: '01:00', to: '03:00', timezone: 'Europe/Berlin' }
  const state = windowAt([{ ...usual, ...window }], Date.parse(now))
  if (state === undefined) return 'always'
  return state.open
    ? `open until ${new Date(state.until).toISOString().slice(5, 16)}`
    : `next ${new Date(state.next).toISOString().slice(5, 16)}`
}

test('a window opens and closes by the wall clock of its zone, on its days', () => {
  assert.equal(stateAt('2026-01-05T23:59:59Z', {}), 'next 01-06T00:00')
  assert.equal(stateAt('2026-01-06T00:00:00Z', {}), 'open until 01-06T02:00')
  assert.equal(stateAt('2026-01-06T02:00:00Z', {}), 'next 01-07T00:00')
  // 2026-01-10 is a Saturday.
  assert.equal(stateAt('2026-01-06T00:30:00Z', { days: ['sat'] }), 'next 01-10T00:00')
  assert.equal(stateAt('2026-01-10T03:00:00Z', { days: ['sat'] }), 'next 01-17T00:00')
})

test('a window over midnight belongs to the day on which it opens, and one of a whole day is one', () => {
  const night = { days: ['fri'], from: '22:00', to: '04:00', timezone: 'UTC' } as const
  assert.equal(stateAt('2026-01-09T21:00:00Z', night), 'next 01-09T22:00')
  assert.equal(stateAt('2026-01-10T03:59:00Z', night), 'open until 01-10T04:00')
  assert.equal(stateAt('2026-01-09T03:00:00Z', night), 'next 01-09T22:00')
  assert.equal(stateAt('2026-01-09T12:00:00Z', { ...night, from: '00:00', to: '00:00' }), 'open until 01-10T00:00')
})

test('the hour that the clock leaves out in spring is passed over', () => {
  // In Berlin 02:00 becomes 03:00 on 2026-03-29, at 01:00 UTC.
  assert.equal(stateAt('2026-03-28T23:00:00Z', { from: '02:30', to: '04:00' }), 'next 03-29T01:00')
  assert.equal(stateAt('2026-03-29T01:00:00Z', { from: '02:30', to: '04:00' }), 'open until 03-29T02:00')
  assert.equal(stateAt('2026-03-29T00:30:00Z', { from: '01:00', to: '02:30' }), 'open until 03-29T01:00')
  // It lies in that hour alone.
  assert.equal(stateAt('2026-03-29T00:30:00Z', { from: '02:00', to: '02:30' }), 'next 03-30T00:00')
})

test('the hour that the clock has twice in autumn is in the window both times', () => {
  // In Berlin 03:00 becomes 02:00 on 2026-10-25, at 01:00 UTC.
  assert.equal(stateAt('2026-10-24T12:00:00Z', { from: '02:30', to: '04:00' }), 'next 10-25T00:30')
  assert.equal(stateAt('2026-10-25T00:45:00Z', { from: '01:00', to: '02:30' }), 'open until 10-25T01:30')
  assert.equal(stateAt('2026-10-25T01:30:00Z', { from: '01:00', to: '02:30' }), 'next 10-26T00:00')
})

test('of several windows the one that closes last, or opens first, counts; without any the app may always be stopped', () => {
  const usual = { days: weekdays, timezone: 'UTC' }
  const two = [
    { ...usual, from: '01:00', to: '03:00' },
    { ...usual, from: '02:00', to: '05:00' },
  ]
  assert.deepEqual(windowAt(two, Date.parse('2026-01-05T02:30:00Z')), {
    open: true,
    until: Date.parse('2026-01-05T05:00:00Z'),
  })
  assert.deepEqual(windowAt(two, Date.parse('2026-01-05T06:00:00Z')), {
    open: false,
    next: Date.parse('2026-01-06T01:00:00Z'),
  })
  assert.equal(windowAt([], 0), undefined)
})
