import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hintWithoutSnapshot } from './snapshot.ts'

test('without raft, what else brings everything back is offered', () => {
  assert.match(hintWithoutSnapshot('raft'), /rights openbao/)
  for (const storage of ['file', 'postgresql', 'inmem', undefined])
    assert.match(hintWithoutSnapshot(storage), /secrets are captured.*kind files.*key of the seal/)
  assert.match(hintWithoutSnapshot('file'), /2\.7.*raft/)
  assert.doesNotMatch(hintWithoutSnapshot('postgresql'), /2\.7/)
})
