import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, isFullDisk, toFailure } from './failure.ts'

test("a full disk is the operator's to repair, however deep it lies; what is nothing known is a bug", () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const full = Object.assign(new Error(`${code}: no space left on device, write`), { code })
    assert.deepEqual([toFailure(full).kind, isFullDisk(full)], ['refused', true])
    assert.match(toFailure(full).hint ?? '', /Make room/)
    const deep = new Failure('toolFailed', 'it stopped', { cause: new Error('in between', { cause: full }) })
    assert.deepEqual([toFailure(deep), isFullDisk(deep)], [deep, true])
  }
  const other = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  assert.deepEqual([toFailure(other).kind, isFullDisk(other)], ['bug', false])
  assert.deepEqual([toFailure('text').kind, isFullDisk('text')], ['bug', false])
})
