import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safetyMetrics } from './safety-metrics.ts'
import type { Safety } from './safety.ts'

const portal: Safety = {
  app: 'por"tal',
  state: 'at risk',
  reasons: [
    { code: 'closed', level: 'risk', message: 'nobody can open it', repository: 'off\\site' },
    { code: 'damaged', level: 'risk', message: 'one', repository: 'near' },
    { code: 'damaged', level: 'risk', message: 'two', repository: 'near' },
    { code: 'lost-together', level: 'warning', message: 'both on one disk' },
  ],
  nextStep: undefined,
}

test('metrics are red where a repository cannot be opened, and count reasons of one kind', () => {
  const text = safetyMetrics([portal], 1_700_000_000_900)
  for (const line of [
    '# TYPE holdfast_app_state gauge',
    String.raw`holdfast_app_state{app="por\"tal",state="proven"} 0`,
    String.raw`holdfast_app_state{app="por\"tal",state="at risk"} 1`,
    String.raw`holdfast_app_reasons{app="por\"tal",code="closed",level="risk",repository="off\\site"} 1`,
    String.raw`holdfast_app_reasons{app="por\"tal",code="damaged",level="risk",repository="near"} 2`,
    String.raw`holdfast_app_reasons{app="por\"tal",code="lost-together",level="warning",repository=""} 1`,
    'holdfast_status_timestamp_seconds 1700000000',
  ])
    assert.ok(text.split('\n').includes(line), `${line} is not in:\n${text}`)
  assert.ok(text.endsWith('\n'))
})

test('each app is in exactly one state', () => {
  const lines = safetyMetrics([portal, { ...portal, app: 'other', state: 'unknown' }], 0).split('\n')
  assert.equal(lines.filter((line) => line.startsWith('holdfast_app_state') && line.endsWith(' 1')).length, 2)
})
