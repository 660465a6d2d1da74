import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import https from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { composePlatform } from '../../src/platforms/compose/compose.ts'
import { findContainer } from '../../src/platforms/compose/find.ts'
import { composePurposes, composeRightsText, type ComposePurpose } from '../../src/platforms/compose/rights.ts'
import { composeReach, composeSettings } from '../../src/platforms/compose/schema.ts'
import { startDocker } from '../parts/docker.ts'
import { apacheProxy } from '../parts/docker/apache-proxy.ts'
import { BUSYBOX_IMAGE } from '../parts/docker/images.ts'
import { testContext } from '../parts/postgres.ts'

/** A real proxy with the printed rules before the real engine: what Holdfast does goes through, and nothing else does. */
const docker = await startDocker()
const context = testContext()
const idle = { image: BUSYBOX_IMAGE, command: ['sleep', '1000000'], init: true }
const project = await docker.project({ services: { database: idle, web: idle } })
const id = await project.id('web')

const NEVER = [
  ['GET', '/v1.40/images/json'],
  ['GET', `/v1.40/containers/${id}/../../images/json`],
  ['GET', `/v1.40/containers/${id}/archive?path=/etc`],
  ['GET', '/v1.40/volumes?/v1.40/containers/json'],
  ['POST', `/v1.40/containers/${id}/kill`],
  ['POST', '/v1.40/volumes/create'],
  ['DELETE', `/v1.40/containers/${id}/exec`],
] as const
const pausing = [['POST', `/v1.40/containers/${id}/stop`]] as const
const throwAway = [
  ['POST', '/v1.40/containers/create'],
  ['DELETE', `/v1.40/containers/${id}`],
] as const
const OTHERS: Readonly<Record<ComposePurpose, readonly (readonly [string, string])[]>> = {
  backup: [...pausing, ...throwAway],
  drill: pausing,
  restore: throwAway,
  guardian: throwAway,
}

for (const purpose of composePurposes)
  test(
    `the printed rules for ${purpose} let through what it needs, and nothing else`,
    { timeout: 120_000 },
    async (t) => {
      const proxy = await apacheProxy(t, docker.socket, composeRightsText(purpose))
      const settings = composeSettings.parse({ kind: 'compose', project: project.name, services: ['web'], ...proxy })
      const place = await findContainer(settings, composeReach.parse({ kind: 'compose', service: 'database' }), context)
      const program = await place.start(['cat'], context)
      program.stdin.end('through the proxy')
      assert.equal(String(await program.stdout.toArray()), 'through the proxy')
      assert.equal(await program.ended, 0)
      assert.ok((await composePlatform.check?.(settings, [], context))?.every(({ level }) => level !== 'error'))
      for (const [method, path] of [...NEVER, ...OTHERS[purpose]])
        assert.equal(await statusOf(proxy, method, path), 403, `${method} ${path}`)
      const pause = composePlatform.pause(settings, 'web-1', context)
      if (purpose === 'backup' || purpose === 'drill')
        return await assert.rejects(pause, { kind: 'denied', message: /stop container/, hint: /rights compose/ })
      await pause
      await composePlatform.resume(settings, 'web-1', context)
      assert.equal((await project.states())['web-1'], 'running')
    },
  )

/** As it was sent: no part of the path is resolved on this side. */
async function statusOf(
  { engine, certificates }: Awaited<ReturnType<typeof apacheProxy>>,
  method: string,
  path: string,
): Promise<number | undefined> {
  const { hostname, port } = new URL(engine)
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(certificates, name))),
  )
  return await new Promise((resolve, reject) => {
    const sent = https.request({ hostname, port, method, path, ca, cert, key, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject).end()
  })
}
