import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainThing, type Surroundings, type Thing } from '../../../platforms/surroundings.ts'
import { profileNamed } from '../../../profiles/all.ts'
import { keysInCluster } from './keys-in-cluster.ts'

const zitadel = profileNamed('zitadel') ?? assert.fail()
const around = { settings: { kind: 'kubernetes', namespace: 'identity' } } as unknown as Surroundings
const database: Thing = { ...plainThing, kind: 'StatefulSet', name: 'zitadel-db' }
const secret = (name: string, ...keys: readonly string[]): Thing => ({ ...plainThing, kind: 'Secret', name, keys })

function keysWith(variables: Thing['variables'], ...pools: readonly Thing[]) {
  const writers: readonly Thing[] = [{ ...plainThing, kind: 'Deployment', name: 'zitadel', variables }]
  return keysInCluster(zitadel, around, { database, writers, pools, disposable: [], openbao: undefined })
}

const proofOf = (place: string) => [
  { kind: 'recipe', recipe: 'zitadel', keys: { masterkey: { component: 'keys', secret: place } } },
]
const from = (name: string) => ({ ZITADEL_MASTERKEY: { from: 'Secret', name, key: 'k' } }) as const

test('the key is where its variable comes from, whatever the Secret is called', () => {
  const found = keysWith(from('odd'), secret('odd', 'k'), secret('zitadel-secret', 'masterkey'))
  assert.deepEqual(found.keyFit, proofOf('secret/odd/k'))
  assert.deepEqual(found.components['keys']?.['secrets'], ['odd', 'zitadel-secret'])
})

test('a Secret that may be missing and is holds no key: one with a key of the name does', () => {
  assert.deepEqual(keysWith(from('gone'), secret('a', 'masterkey')).keyFit, proofOf('secret/a/masterkey'))
})

test('a key that stands as text, and one that is nowhere, are said and not proven', () => {
  const texts = [
    keysWith({ ZITADEL_MASTERKEY: { from: 'text' } }, secret('a', 'pat')),
    keysWith({}, secret('a', 'pat')),
    keysWith({}),
  ].map(({ keyFit, undecided }) => [keyFit, undecided?.[0]?.why] as const)
  assert.ok(texts.every(([keyFit]) => keyFit === undefined))
  assert.match(texts[0]?.[1] ?? '', /stands as text in the workload/)
  assert.match(texts[1]?.[1] ?? '', /no Secret that was found has it\. Restore points do not hold it/)
  assert.match(texts[2]?.[1] ?? '', /no Secret was found/)
})
