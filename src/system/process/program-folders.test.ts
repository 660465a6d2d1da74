import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { matchingFolders } from './program-folders.ts'
import { withTemporaryFolder } from '../files/temporary-folder.ts'

test('finds the folders that a pattern names, in order', async () => {
  await withTemporaryFolder(async (folder) => {
    for (const name of ['pgsql-16', 'pgsql-14', 'other']) await mkdir(join(folder, name))
    assert.deepEqual(await matchingFolders(`${folder}/pgsql-*/bin`), [
      join(folder, 'pgsql-14/bin'),
      join(folder, 'pgsql-16/bin'),
    ])
    assert.deepEqual(await matchingFolders(`${folder}/nowhere/*/bin`), [])
    assert.deepEqual(await matchingFolders('/plain/folder'), ['/plain/folder'])
  })
})
