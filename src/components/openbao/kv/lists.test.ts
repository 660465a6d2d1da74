import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'
import type { ListedSecret, SecretList } from '../../capabilities/secret-lists.ts'
import type { ArtifactSource, Captured } from '../../transfer.ts'
import { parseEntryLine } from './entry.ts'
import { giveList, takeList } from './lists.ts'
import { differencesOf } from '../restore/same.ts'
import { openbaoSettings } from '../schema.ts'
import type { OpenbaoDetails } from '../schema.ts'

const settings = openbaoSettings.parse({ kind: 'openbao', address: 'http://h:1', token: 'env:T', mounts: ['m'] })

function listOf(secrets: Readonly<Record<string, string>>, place?: string): SecretList {
  return {
    origin: { source: 'a.enc', sha256: '0'.repeat(64), bytes: 1 },
    created: '2026-01-17T12:00:00Z',
    place,
    async *secrets(): AsyncGenerator<ListedSecret> {
      for (const [path, json] of Object.entries(secrets)) yield { path, json: new Secret(json) }
    },
  }
}

async function captured(list: SecretList): Promise<Captured<OpenbaoDetails> & { readonly text: string }> {
  let text = ''
  const taken = await takeList(settings, list)
  const found = await taken.capture({
    async write(_role, _kind, content) {
      for await (const chunk of content) text += Buffer.from(chunk).toString()
    },
  })
  return { ...found, text }
}

function sourceOf(text: string): ArtifactSource {
  const bytes = Buffer.from(text)
  const read: ArtifactSource['read'] = async function* () {
    yield bytes
  }
  return { roles: ['secrets'], sizeOf: () => bytes.length, read }
}

const odd = { a: '{"i":9007199254740993,"f":1.10}', 'b/c': '{"__proto__":"kept","constructor":null}', ü: '{}' }

test('a list becomes lines of a capture, digit by digit, and back', async () => {
  const { details, text, notCaptured } = await captured(listOf(odd))
  assert.deepEqual([details.secrets, details.mounts[0]?.path, details.imported?.source], [3, 'm', 'a.enc'])
  assert.match(notCaptured.join(), /newest values only/)
  assert.ok(text.includes(odd.a))
  const given = await giveList(details, sourceOf(text), undefined)
  const back: [string, string][] = []
  for await (const { path, json } of given.secrets) back.push([path, json.reveal()])
  assert.deepEqual(back, Object.entries(odd))
})

test('what was changed since is not given', async () => {
  const { details, text } = await captured(listOf(odd))
  const { secrets } = await giveList(details, sourceOf(text.replace('1.10', '1.11')), undefined)
  await assert.rejects(
    async () => {
      for await (const _secret of secrets) continue
    },
    { kind: 'corrupt' },
  )
})

for (const path of ['', '/a', 'a/', 'a//b', '.', 'a/../b', 'a\nb', '\ud800', 'holdfast-restore/12345678/state']) {
  test(`the path ${JSON.stringify(path)} is refused before anything is stored`, async () => {
    await assert.rejects(takeList(settings, listOf({ good: '{}', [path]: '{}' })), { kind: 'refused' })
  })
}

test('the mount is the only one of the configuration, or the one that is named', async () => {
  const several = { ...settings, mounts: ['m', 'n'] }
  const asks = (error: unknown): boolean => isFailure(error, 'usage') && error.hint?.includes('--mount') === true
  await assert.rejects(takeList(several, listOf({})), asks)
  await assert.rejects(takeList({ ...settings, mounts: undefined }, listOf({})), asks)
  await assert.rejects(takeList(several, listOf({}, 'other')), asks)
  await takeList(several, listOf({}, 'n/'))
  await takeList({ ...settings, mounts: undefined }, listOf({}, 'n'))
})

test('of a secret of which only the value is known, only the value is compared', async () => {
  const { text } = await captured(listOf({ a: '{"k":1}' }))
  const wanted = parseEntryLine(text.trimEnd())
  assert.ok(wanted.kv === 2)
  const [version] = wanted.versions
  assert.ok(version?.state === 'live')
  const { valueOnly: _valueOnly, ...plain } = wanted
  const metadata = { ...wanted.metadata, maxVersions: 7 }
  const there = { ...plain, metadata, current: 4, versions: [{ ...version, version: 4 }] }
  assert.deepEqual(differencesOf(wanted, there, 'versions'), [])
  assert.equal(differencesOf(plain, there, 'versions').length, 2)
  const other = { ...there, versions: [{ ...version, version: 4, data: { k: 2 } }] }
  assert.equal(differencesOf(wanted, other, 'versions').length, 1)
})

test('a mount that is named twice is one, and a name may have spaces and the slash that lists show', () => {
  const parse = (...mounts: string[]) => openbaoSettings.safeParse({ ...settings, token: 'env:T', mounts })
  assert.deepEqual(parse('kv', 'my secrets', 'kv/').data?.mounts, ['kv', 'my secrets'])
  assert.deepEqual(parse(' kv', 'kv ', 'a/b c/').data?.mounts, [' kv', 'kv ', 'a/b c'])
  for (const wrong of ['', '/', '/kv', 'kv//', 'a//b']) assert.equal(parse(wrong).success, false, wrong)
})
