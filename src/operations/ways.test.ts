import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openbaoSettings } from '../components/openbao/schema.ts'
import { composeSettings } from '../platforms/compose/schema.ts'
import { placeContext } from '../platforms/testing/place-contract.ts'
import { SecretReference } from '../system/secret-reference.ts'
import { Ways } from './ways.ts'

const engine = 'unix:///nowhere/holdfast-test.sock'
const platform = composeSettings.parse({ kind: 'compose', project: 'shop', engine })

test('every secret of a component is read in its container, at whatever depth', async () => {
  const parsed = openbaoSettings.parse({
    kind: 'openbao',
    address: 'http://bao:8200',
    reach: { kind: 'compose', service: 'bao' },
    appRole: { roleId: 'inside:ROLE', secretId: 'env:SECRET' },
    drillUnsealKeys: ['inside:KEY'],
  })
  const { appRole, drillUnsealKeys, mounts, through } = new Ways(placeContext()).wired(
    { ...parsed },
    platform,
  ) as typeof parsed & { through?: { name: string } }
  assert.equal(through?.name, 'service bao of compose project shop')
  assert.equal(mounts, undefined)
  for (const secret of [appRole?.roleId, drillUnsealKeys?.[0]]) {
    assert.ok(secret instanceof SecretReference)
    // There is no engine; without a container it would be a mistake of the configuration.
    await assert.rejects(secret.resolve(), { message: /container engine/ })
  }
})

test('what is in no container stays as it is', () => {
  const settings = { kind: 'openbao', token: new SecretReference('env', 'TOKEN') }
  assert.equal(new Ways(placeContext()).wired(settings, undefined), settings)
})
