import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { withSession } from './connection/connection.ts'
import { postgresSettings } from './schema.ts'
import { restoreServer } from './restore/target/database-target.ts'

/** Names below `.invalid` never resolve. */
test('a host name that this machine does not know leads to the port that a container has to publish', async () => {
  const settings = { kind: 'postgres', host: 'postgres.invalid', database: 'app', user: 'app' }
  const server = restoreServer(postgresSettings.parse(settings))
  const context = {
    clock: systemClock,
    effects: directEffects,
    signal: new AbortController().signal,
    progress: () => {},
  }
  await assert.rejects(
    withSession(server, 'app', context, () => Promise.resolve()),
    (error) => isFailure(error, 'unreachable') && /needs a published port/.test(error.hint ?? ''),
  )
})
