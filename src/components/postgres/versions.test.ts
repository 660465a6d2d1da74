import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closestVersion, describeVersion, floorFinding, isBelowFloor, majorOf, parseVersion } from './versions.ts'

test('reads versions from what the programs print', () => {
  assert.equal(parseVersion('pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'), 150018)
  assert.equal(parseVersion('postgres (PostgreSQL) 19beta2'), 190000)
  assert.equal(parseVersion('pg_dump (PostgreSQL) 9.6.24'), 90006)
  assert.equal(parseVersion('pg_dump: command not found'), undefined)
  assert.equal(majorOf(150018), 15)
  assert.equal(describeVersion(150018), '15.18')
})

test('the floor of each major is the first release above it, exactly', () => {
  for (const floor of [140025, 150020, 160016, 170012, 180007]) {
    assert.equal(isBelowFloor(floor - 1), true, String(floor))
    assert.equal(isBelowFloor(floor), false, String(floor))
  }
  assert.equal(isBelowFloor(130099), true)
  assert.equal(isBelowFloor(190000), false)
})

test('tools below the floor are a warning that names what to install', () => {
  assert.match(floorFinding({ version: 150018, belowFloor: true }).hint ?? '', /15\.20/)
  assert.equal(floorFinding({ version: 150018, belowFloor: true }).level, 'warning')
  assert.equal(floorFinding({ version: 150020, belowFloor: false }).level, 'ok')
})

test('prefers the same major, then the smallest newer one, and its newest minor', () => {
  const found = [180001, 170003, 170009, 150018, 140001].map((version) => ({ version }))
  assert.equal(closestVersion(found, 15)?.version, 150018)
  assert.equal(closestVersion(found, 16)?.version, 170009)
  assert.equal(closestVersion(found, 19), undefined)
})
