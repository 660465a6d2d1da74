import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { entryLine, parseEntryLine, type Entry } from './openbao/kv/entry.ts'
import { secretInfo } from './openbao/kv/read-entry.ts'
import { areEqual, bodyOf, liveObject, parseDescription, descriptionText } from './kubernetes-secrets/object.ts'
import { managerOf } from './kubernetes-secrets/capture/managed.ts'
import { anyNames } from './any-names.ts'

/** Names that an object of JavaScript has by itself, or that mean something to it. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
const named = (text: string): string => `{${NAMES.map((name) => `"${name}":${text}`).join(',')}}`
const parse = (text: string): unknown => JSON.parse(text)

test('a map keeps every name, and says which member is wrong', () => {
  const map = anyNames(z.string()).parse(parse(named('"v"')))
  assert.deepEqual(Object.keys(map), NAMES)
  assert.equal(JSON.stringify(map), named('"v"'))
  const wrong = anyNames(z.string()).safeParse(parse('{"__proto__":"v","toString":1}'))
  assert.deepEqual(
    wrong.error?.issues.map(({ path }) => path),
    [['toString']],
  )
  for (const value of [null, [], 'text', undefined]) assert.equal(anyNames(z.string()).safeParse(value).success, false)
})

test('a Secret and a ConfigMap keep keys, labels and annotations of such names', () => {
  const metadata = `{"name":"app","uid":"u","resourceVersion":"1","labels":${named('"l"')},"annotations":${named('"a"')}}`
  for (const [kind, more] of [
    ['Secret', ''],
    ['ConfigMap', `,"binaryData":{"b":"AA==","__proto__x":"AA=="}`],
  ] as const) {
    const one = liveObject(kind, parse(`{"metadata":${metadata},"data":${named('"dg=="')}${more}}`))
    for (const name of NAMES) assert.ok(one.values.has(name), name)
    assert.deepEqual(parseDescription(descriptionText(one)), one.description)
    const body = parse(
      JSON.stringify(bodyOf(one)).replace('"metadata":{', '"metadata":{"uid":"u","resourceVersion":"1",'),
    )
    assert.ok(areEqual(liveObject(kind, body), one))
    assert.equal(managerOf({ ...one, writers: NAMES }), undefined)
  }
})

test('custom metadata and versions of a secret of OpenBao keep such names', () => {
  const entry = parse(
    `{"kv":2,"mount":"kv","path":"__proto__","metadata":{"maxVersions":0,"casRequired":false,"deleteVersionAfter":"0s","custom":${named('"c"')}},"created":"t","updated":"t","current":1,"versions":[{"version":1,"state":"live","created":"t","data":${named('"v"')}}]}`,
  )
  // What is parsed has the shape of an entry, or parseEntryLine fails.
  const line = entryLine(entry as Entry)
  assert.equal(entryLine(parseEntryLine(line)), line)
  const info = secretInfo.parse(
    parse(
      `{"created_time":"t","updated_time":"t","current_version":0,"max_versions":0,"cas_required":false,"delete_version_after":"0s","custom_metadata":${named('"c"')},"versions":{}}`,
    ),
  )
  assert.deepEqual(Object.keys(info.custom_metadata ?? {}), NAMES)
})
