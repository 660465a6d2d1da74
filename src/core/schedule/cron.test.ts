import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRestricted, parseCron, type CronTimes } from './cron.ts'

function timesOf(text: string): CronTimes {
  const parsed = parseCron(text)
  if (typeof parsed === 'string') assert.fail(`${text}: ${parsed}`)
  return parsed
}

function wrongIn(text: string): string {
  const parsed = parseCron(text)
  return typeof parsed === 'string' ? parsed : 'nothing'
}

test('numbers, names, ranges, lists and steps are read', () => {
  const times = timesOf('*/20 1-3,22 1,15 jan-MAR 5-7')
  assert.deepEqual(times, {
    minutes: [0, 20, 40],
    hours: [1, 2, 3, 22],
    days: [1, 15],
    months: [1, 2, 3],
    weekdays: [0, 5, 6],
  })
  assert.deepEqual(timesOf('0 2 * * mon,Wed').weekdays, [1, 3])
  assert.deepEqual(timesOf('10-40/15 2 * * *').minutes, [10, 25, 40])
  assert.equal(isRestricted(timesOf('* * * * 0-7'), 'weekdays'), false)
  assert.equal(isRestricted(timesOf('0 2 * * *'), 'hours'), true)
})

test('what is no line of five fields is told by its field', () => {
  for (const [text, told] of [
    ['0 2 * *', /five fields/],
    ['0 0 2 * * *', /five fields/],
    ['@daily', /five fields/],
    ['60 2 * * *', /"60" is no minute from 0 to 59/],
    ['0 24 * * *', /hour/],
    ['0 2 0 * *', /day of the month/],
    ['0 2 * 13 *', /month/],
    ['0 2 * * 8', /day of the week/],
    ['0 2 * * sunday', /day of the week/],
    ['5-1 2 * * *', /minute/],
    ['5/15 2 * * *', /minute/],
    ['*/0 2 * * *', /minute/],
    ['*-5 2 * * *', /minute/],
    ['1,,2 2 * * *', /minute/],
    ['0 2 L * *', /day of the month/],
  ] as const)
    assert.match(wrongIn(text), told, text)
})

test('a day that no month has never comes; one that a leap year or a day of the week has does', () => {
  assert.match(wrongIn('0 2 30 2 *'), /never comes/)
  assert.match(wrongIn('0 2 31 4,6,9,11 *'), /never comes/)
  for (const text of ['0 2 29 2 *', '0 2 30 2 mon', '0 2 31 4,5 *', '0 2 * 2 *']) timesOf(text)
})
