import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { areEqual, bodyOf, liveObject, type KubernetesObject } from '../object.ts'
import { collected, linesOf, objectsOf } from './records.ts'

const key = fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/).filter((text) => text !== '.' && text !== '..')
const texts = fc.dictionary(key, fc.string({ unit: 'grapheme' }), { noNullPrototype: true })
const secretObject = fc
  .record({
    name: fc.stringMatching(/^[a-z0-9]{1,20}$/),
    labels: texts,
    annotations: texts,
    immutable: fc.boolean(),
    data: fc.dictionary(key, fc.uint8Array(), { noNullPrototype: true }),
  })
  .map(({ name, labels, annotations, immutable, data }) =>
    liveObject('Secret', {
      metadata: { name, uid: 'u', resourceVersion: '1', labels, annotations },
      type: 'Opaque',
      immutable,
      data: Object.fromEntries(
        Object.entries(data).map(([one, value]) => [one, Buffer.from(value).toString('base64')]),
      ),
    }),
  )

async function* content(objects: readonly KubernetesObject[], size: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.concat(objects.flatMap((one) => [...linesOf('apps', one)]))
  for (let from = 0; from < all.length; from += size) yield await Promise.resolve(all.subarray(from, from + size))
}

test('objects come back from their lines as they were, whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(secretObject, { maxLength: 5 }),
      fc.integer({ min: 1, max: 500 }),
      async (objects, size) => {
        const back = await collected(objectsOf(content(objects, size)))
        assert.equal(back.length, objects.length)
        assert.ok(back.every((one, index) => areEqual(one, objects[index] ?? one) && one.name === objects[index]?.name))
      },
    ),
  )
})

test('the server gets the bytes that it gave, text as text and bytes as bytes', () => {
  const given = {
    metadata: { name: 'c', uid: 'u', resourceVersion: '1' },
    data: { text: 'ü\n', empty: '' },
    binaryData: { blob: 'AP8=' },
  }
  const live = liveObject('ConfigMap', given)
  assert.deepEqual(bodyOf(live), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', labels: {}, annotations: {} },
    data: { empty: '', text: 'ü\n' },
    binaryData: { blob: 'AP8=' },
  })
  const other = { ...live, values: new Map([...live.values, ['text', secretOfBytes(Buffer.from('ü'))]]) }
  assert.equal(areEqual(live, other), false)
})
