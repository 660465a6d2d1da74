import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import type { Fault, Passing } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'

const bao = await startOpenbao('raft')
for (const mount of ['two', 'other'])
  await bao.must('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
await bao.must('POST', 'sys/mounts/one', { type: 'kv' })
for (const path of ['a', 'team/b', 'team/deep/c']) {
  await bao.must('POST', `two/data/${path}`, { data: { v: 'captured' } })
  await bao.must('POST', `one/${path}`, { v: 'captured' })
}
await bao.must('POST', 'two/data/a', { data: { v: 'again' } })
await bao.must('POST', 'other/data/x', { data: { v: 'captured' } })
const all = 'path "*" { capabilities = ["read","list","scan"] }'
const deny = (...paths: readonly string[]): string =>
  [all, ...paths.map((path) => `path "${path}" { capabilities = ["deny"] }`)].join('\n')

async function missing(settings: OpenbaoSettings): Promise<readonly [number, readonly string[]]> {
  const { details, incomplete = [] } = await captureToMemory(settings)
  return [details.secrets, incomplete.toSorted()]
}

async function denied(...paths: readonly string[]): Promise<readonly [number, readonly string[]]> {
  return await missing(bao.settings({ token: await bao.tokenWith(deny(...paths)), snapshot: 'off' }))
}

test('secrets, folders and mounts that this token may not read are named, and all others are captured', async () => {
  const says = (what: string): string => `This token may not read ${what}, which is not in the point`
  assert.deepEqual(await denied(), [7, []])
  assert.deepEqual(await denied('two/data/team/b', 'one/a'), [5, [says('secret one/a'), says('secret two/team/b')]])
  assert.deepEqual(await denied('one/team/', 'two/detailed-metadata/team/', 'two/metadata/team/'), [
    3,
    [says('the folder one/team/'), says('the folder two/team/')],
  ])
  assert.deepEqual(await denied('two/*', 'one/*', 'two/config'), [1, [says('mount one'), says('mount two')]])
})

test('a mount that is named and denied is named, and where nothing can be read the whole fails', async () => {
  const token = await bao.tokenWith(`${all} path "one/*" { capabilities = ["deny"] }`)
  const [secrets, names] = await missing(bao.settings({ token, mounts: ['one', 'other'], snapshot: 'off' }))
  assert.deepEqual([secrets, names.length, names[0]?.includes('mount one')], [1, 1, true])
  await assert.rejects(missing(bao.settings({ token, mounts: ['one'], snapshot: 'off' })), (error: unknown) =>
    isFailure(error, 'notFound'),
  )
  const nothing = await bao.tokenWith(deny('two/*', 'one/*', 'other/*'))
  await assert.rejects(missing(bao.settings({ token: nothing, snapshot: 'off' })), (error: unknown) =>
    isFailure(error, 'denied'),
  )
})

test('what the server cannot give again and again is named, and its neighbours are captured', async () => {
  const proxy = await startProxy(bao.server.address)
  const settings = bao.settings({ address: proxy.address, retrySeconds: 1, snapshot: 'off' })
  const through = async (fault: (passing: Passing) => Fault | undefined): ReturnType<typeof missing> => {
    proxy.fault = fault
    return await missing(settings)
  }
  const at =
    (pattern: RegExp, fault: Fault): ((passing: Passing) => Fault | undefined) =>
    ({ path }) =>
      pattern.test(path) ? fault : undefined
  const cannot = (what: string): string => `The server cannot read ${what}, which is not in the point`
  for (const fault of [{ status: 503 }, { status: 502 }, { status: 504 }, 'cut before'] as const) {
    const one = await through(at(/^\/v1\/two\/data\/a\?version=2|^\/v1\/one\/team\/b$/, fault))
    assert.deepEqual(
      one,
      [6, [cannot('secret one/team/b'), cannot('version 2 of secret two/a')]],
      JSON.stringify(fault),
    )
  }
  const folder = await through(at(/^\/v1\/(two\/(detailed-)?metadata|one)\/team\/\?/, { status: 500 }))
  assert.deepEqual(folder, [3, [cannot('the folder one/team/'), cannot('the folder two/team/')]])
  const body = { errors: ['no handler for route "two/". route entry not found.'] }
  const noPlugin = await through(at(/^\/v1\/two\//, { status: 404, body }))
  assert.deepEqual(noPlugin, [4, [cannot('mount two')]])
  const failing = await through(at(/^\/v1\/two\//, { status: 500, body: { errors: ['error running plugin'] } }))
  assert.deepEqual(failing, [4, [cannot('mount two')]])
})

test('a server that is sealed, or gives nothing any more, is no secret that cannot be read', async () => {
  const proxy = await startProxy(bao.server.address)
  const settings = bao.settings({ address: proxy.address, retrySeconds: 1, snapshot: 'off' })
  let count = 0
  for (const fault of [
    { status: 503, body: { errors: ['Vault is sealed'] } },
    'cut before',
    { status: 502 },
  ] as const) {
    count = 0
    proxy.fault = ({ path }) => (count > 0 || (path.includes('/data/') && (count += 1) > 0) ? fault : undefined)
    await assert.rejects(missing(settings), (error: unknown) => isFailure(error, 'unreachable'))
  }
})
