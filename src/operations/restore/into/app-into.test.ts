import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drivers } from '../../../components/all.ts'
import { noRules } from '../../../core/testing/no-rules.ts'
import type { App } from '../../app.ts'
import { requireConfigured } from './choose-into.ts'
import { appInto } from './app-into.ts'
import { intoOptions } from '../../../core/texts/into-text.ts'

function appOf(kind: string, settings: object): App {
  const driver = drivers.find((one) => one.kind === kind)
  assert.ok(driver)
  const component = { name: 'state', driver, settings: driver.settings.parse({ kind, ...settings }) }
  return { name: 'portal', components: [component], repositories: [], retention: noRules, intervalMilliseconds: 1 }
}

function settingsOf({ components }: App): Record<string, unknown> {
  // Every kind has an object of settings.
  return components[0]?.settings as Record<string, unknown>
}

test('what is only true of the configured place is not used for another', () => {
  const app = appOf('openbao', { address: 'https://a:8200', otherNodes: ['https://b:8200'], token: 'env:TOKEN' })
  const there = settingsOf(appInto(app, { state: { address: 'https://c:8200' } }))
  assert.deepEqual([there['address'], there['otherNodes']], ['https://c:8200', undefined])
  assert.equal(String(there['token']), 'env:TOKEN')
})

test('values are read as the configuration reads them, and named when they are wrong', () => {
  const app = appOf('postgres', { user: 'portal', database: 'portal' })
  const there = settingsOf(appInto(app, { state: { port: '5433', restorePassword: 'file:/etc/db2' } }))
  assert.deepEqual([there['port'], String(there['restorePassword']), there['user']], [5433, 'file:/etc/db2', 'portal'])
  for (const [setting, value] of [
    ['port', '99999'],
    ['port', ''],
    ['tls', 'perhaps'],
    ['database', ''],
    ['database', 'template1'],
    ['checks', '[]'],
  ] as const)
    assert.throws(() => appInto(app, { state: { [setting]: value } }), { kind: 'usage' }, `${setting}=${value}`)
})

test('the own place with another login is refused, as that would be passed over', () => {
  const app = appOf('postgres', { user: 'portal', database: 'portal', password: 'env:OWN' })
  requireConfigured(app, { state: { database: 'portal', password: 'env:OWN' } }, undefined)
  const other = { state: { restoreUser: 'somebody', password: 'env:OTHER' } }
  assert.throws(() => requireConfigured(app, other, undefined), { kind: 'usage', message: /restoreUser, password$/ })
  requireConfigured(app, other, other)
})

test('a command that a message gives is one that a shell takes', () => {
  const into = { keys: { path: "/srv/it's here" }, database: { database: 'copy' } }
  assert.equal(intoOptions(into), " --into database.database=copy --into 'keys.path=/srv/it'\\''s here'")
})
