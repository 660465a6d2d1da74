import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calendarIn, isTimeZone } from './calendar.ts'

const weeks: readonly (readonly [string, string])[] = [
  // From the ISO 8601 calendar of the years that are hard: 53 weeks, leap years, weeks that belong to a neighbour year.
  ['2020-12-31', '2020-W53'],
  ['2021-01-03', '2020-W53'],
  ['2021-01-04', '2021-W01'],
  ['2024-02-29', '2024-W09'],
  ['2024-12-29', '2024-W52'],
  ['2024-12-30', '2025-W01'],
  ['2026-11-22', '2026-W47'],
  ['2026-12-31', '2026-W53'],
  ['2027-01-01', '2026-W53'],
  ['2015-12-31', '2015-W53'],
  ['2016-01-03', '2015-W53'],
]

for (const [day, week] of weeks) {
  test(`${day} is in ${week}`, () => {
    assert.equal(calendarIn('UTC')(Date.parse(`${day}T12:00:00Z`)).week, week)
  })
}

test('a moment belongs to the day of the wall clock in the zone', () => {
  const moment = Date.parse('2026-12-31T23:30:00Z')
  assert.deepEqual(calendarIn('UTC')(moment), { day: '2026-12-31', week: '2026-W53', month: '2026-12', year: '2026' })
  assert.deepEqual(calendarIn('Europe/Paris')(moment), {
    day: '2027-01-01',
    week: '2026-W53',
    month: '2027-01',
    year: '2027',
  })
  assert.equal(calendarIn('America/Los_Angeles')(moment).day, '2026-12-31')
  assert.equal(calendarIn('Pacific/Kiritimati')(moment).day, '2027-01-01')
})

test('the days of a clock change are 23 and 25 hours long', () => {
  const day = (text: string): string => calendarIn('Europe/Paris')(Date.parse(text)).day
  assert.equal(day('2026-03-28T23:00:00Z'), '2026-03-29')
  assert.equal(day('2026-03-29T21:59:59Z'), '2026-03-29')
  assert.equal(day('2026-03-29T22:00:00Z'), '2026-03-30')
  assert.equal(day('2026-10-24T22:00:00Z'), '2026-10-25')
  assert.equal(day('2026-10-25T22:59:59Z'), '2026-10-25')
  assert.equal(day('2026-10-25T23:00:00Z'), '2026-10-26')
})

test('a day that a zone skipped has no moment', () => {
  // Samoa went from 29 to 31 December 2011 by moving across the date line.
  const samoa = calendarIn('Pacific/Apia')
  assert.equal(samoa(Date.parse('2011-12-30T09:59:59Z')).day, '2011-12-29')
  assert.equal(samoa(Date.parse('2011-12-30T10:00:00Z')).day, '2011-12-31')
})

test('names that are no time zone are told from those that are', () => {
  assert.ok(isTimeZone('UTC') && isTimeZone('Europe/Paris'))
  assert.ok(!isTimeZone('Europe/Pari') && !isTimeZone('') && !isTimeZone('\u0000'))
})
