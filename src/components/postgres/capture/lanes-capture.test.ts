import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import type { ArtifactSink } from '../../transfer.ts'
import { captureLanes } from './lanes-capture.ts'
import type { LaneSource } from './lanes.ts'

const { signal } = new AbortController()
const context: Context = { clock: systemClock, effects: directEffects, signal, progress: () => {} }

test('when a lane cannot be stored, nothing is being stored any more when that is said', async () => {
  const lost = new Failure('unreachable', 'the repository is gone')
  let stillStoring = false
  const sink: ArtifactSink = {
    async write(role) {
      if (role === 'first') throw lost
      stillStoring = true
      await systemClock.sleep(20, signal)
      stillStoring = false
    },
  }
  // The sink reads no rows, so no session is asked for any.
  const sessions = [{}, {}] as unknown as pg.Client[]
  const lanes = ['first', 'second', 'third'].map((role) => ({ role }) as LaneSource)
  const capture = { sessions, lanes, encoding: 'UTF8', limits: { idleLimit: 1000, totalLimit: 1000 } }
  await assert.rejects(captureLanes(capture, sink, context), (error) => error === lost)
  assert.equal(stillStoring, false)
})
