import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration } from './duration.ts'

const lengths = { '1m': 60_000, '90m': 5_400_000, '24h': 86_400_000, '7d': 604_800_000, '4w': 2_419_200_000 }

for (const [text, milliseconds] of Object.entries(lengths)) {
  test(text, () => assert.equal(duration.parse(text), milliseconds))
}

for (const text of ['', '5', '0h', '-1d', '1.5h', '1 h', '1H', '1s', '1y', '24h ', '1d12h', '1000000m']) {
  test(`no length of time: "${text}"`, () => assert.ok(!duration.safeParse(text).success))
}
