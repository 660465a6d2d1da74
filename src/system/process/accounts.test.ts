import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAccounts } from './accounts.ts'

test('reads accounts and passes over lines that are none', () => {
  const text =
    'root:x:0:0:root:/root:/bin/sh\n\n+::::::\npostgres:x:101:104:Administrator,,,:/var/lib/postgresql:/bin/bash\n'
  assert.deepEqual(parseAccounts(text), [
    { name: 'root', uid: 0, gid: 0 },
    { name: 'postgres', uid: 101, gid: 104 },
  ])
})
