import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pagesOf, within } from './scan.ts'
import { infosOf, PAGE } from './walk.ts'

const info = {
  created_time: '2026-01-01T00:00:00Z',
  updated_time: '2026-01-01T00:00:00Z',
  current_version: 1,
  oldest_version: 0,
  max_versions: 0,
  cas_required: false,
  delete_version_after: '0s',
  custom_metadata: null,
  versions: { 1: { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false } },
}

test('each page has secrets of one folder, by name, with what is known of them', () => {
  const paths = ['b/', 'root', 'b/c/', 'b/c/two', 'b/one', 'b/c/other']
  const infos = infosOf({ root: info, 'b/c/two': info, 'b/': null })
  assert.deepEqual(
    pagesOf(paths, infos).map((page) => ({ ...page, infos: [...(page.infos?.keys() ?? [])] })),
    [
      { folder: '', after: '', secrets: ['root'], infos: ['root'] },
      { folder: 'b/c/', after: '', secrets: ['other', 'two'], infos: ['two'] },
      { folder: 'b/', after: '', secrets: ['one'], infos: [] },
    ],
  )
})

test('a folder of more than a page is cut where a list that is asked for again begins', () => {
  const paths = Array.from({ length: PAGE + 2 }, (_, n) => `f/${String(n).padStart(4, '0')}`)
  const [first, second, ...more] = pagesOf(paths.toReversed(), new Map())
  assert.deepEqual([first?.after, first?.secrets.length, second?.after, second?.secrets.length], ['', PAGE, '0499', 2])
  assert.equal(more.length, 0)
})

test('what was listed before the scan is left out', () => {
  const pages = pagesOf(['root', 'a/one', 'a/b/two', 'ab/three', 'c/d/e/four'], new Map())
  const open = ['a/', 'c/d/'].map((folder) => ({ folder, after: '' }))
  assert.deepEqual(
    within(pages, open).map(({ folder, secrets }) => `${folder}${secrets.join()}`),
    ['a/one', 'a/b/two', 'c/d/e/four'],
  )
})
