import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { composePlatform } from '../../src/platforms/compose/compose.ts'
import { composeReach, composeSettings } from '../../src/platforms/compose/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import { placeContext, placeContract } from '../../src/platforms/testing/place-contract.ts'
import { startDocker } from '../parts/docker.ts'
import { BARE_IMAGE, BUSYBOX_IMAGE, POSTGRES_IMAGE } from '../parts/docker/images.ts'

const docker = await startDocker()
const context = placeContext()
const ODD = 'two\nlines, "quotes", an = and $HOME'
const SECRET = 'from a file = "with" quotes'

const idle = { image: BUSYBOX_IMAGE, command: ['sleep', '1000000'], init: true }

/** Nothing of it has a name in the registry, nor a port on this machine. */
const project = await docker.project({
  services: {
    debian: { image: POSTGRES_IMAGE, command: ['sleep', '1000000'], environment: { ODD: ODD } },
    small: { ...idle, environment: { ODD: 'x', EMPTY: '' } },
    'debian-to-remove': idle,
    'small-to-remove': idle,
    bare: { image: BARE_IMAGE, init: true, environment: { KEY_FILE: '/key' } },
    keys: {
      image: BUSYBOX_IMAGE,
      init: true,
      command: ['sh', '-c', 'echo "$TEXT" >/tmp/key; dd if=/dev/zero of=/tmp/big bs=1024 count=65; exec sleep 1000000'],
      environment: {
        TEXT: SECRET,
        KEY_FILE: '/tmp/key',
        BIG_FILE: '/tmp/big',
        GONE_FILE: '/tmp/gone',
        BOTH: 'own',
        BOTH_FILE: '/tmp/key',
      },
    },
  },
})

function find(service: string, engine = `unix://${docker.socket}`): Promise<Place> {
  const settings = composeSettings.parse({ kind: 'compose', project: project.name, engine })
  assert.ok(composePlatform.inside)
  return composePlatform.inside.find(settings, composeReach.parse({ kind: 'compose', service }), context)
}

for (const service of ['debian', 'small'] as const)
  placeContract(`a container of image ${service}`, async () => {
    return {
      place: await find(service),
      variable: { name: 'ODD', value: service === 'debian' ? ODD : 'x' },
      async removable() {
        const place = await find(`${service}-to-remove`)
        const remove = async (): Promise<void> => {
          await docker.must('DELETE', `/containers/${await project.id(`${service}-to-remove`)}?force=1`)
        }
        return { place, remove }
      },
    }
  })

test('a variable may be in a file of the container, which its own cat reads', async () => {
  const keys = await find('keys')
  assert.equal(await keys.variable('KEY', context), SECRET)
  assert.equal(await keys.variable('BOTH', context), 'own')
  assert.equal(await (await find('small')).variable('EMPTY', context), '')
  await assert.rejects(keys.variable('BIG', context), { kind: 'notFound', message: /more than 65536 bytes/ })
  await assert.rejects(keys.variable('GONE', context), {
    kind: 'notFound',
    message: /\/tmp\/gone, which GONE_FILE names/,
  })
  const bare = await find('bare')
  await assert.rejects(bare.variable('KEY', context), { kind: 'unsupported', message: /bare-1 has no cat/ })
  await assert.rejects(bare.start(['sh', '-c', 'true'], context), { kind: 'notFound', message: /sh is not there/ })
})

test('an address is given only to who is in the network of the engine', async (t) => {
  const [place, other] = [await find('debian'), await find('small')]
  if (docker.pid === undefined) return t.skip('the engine that is given is in the network of this machine')
  assert.deepEqual([await place.addresses(5432, context), await other.addresses(5432, context)], [[], []])
  const listening = await other.start(['nc', '-l', '-p', '4000', '-e', 'echo', 'reached'], context)
  t.after(() => listening.stop())
  const script = join(import.meta.dirname, '..', 'parts', 'docker', 'reach-address.ts')
  const args = [
    `--net=/proc/${docker.pid}/ns/net`,
    process.execPath,
    script,
    docker.socket,
    project.name,
    'small',
    '4000',
  ]
  const { stdout } = await promisify(execFile)('nsenter', args)
  assert.equal(stdout, 'reached\n')
})

test('a connection that is cut between two frames does not read like a whole one', async (t) => {
  const { engine, cut } = await cuttingProxy(t)
  const place = await find('debian', engine)
  const program = await place.start(['sh', '-c', 'echo begun; sleep 30; echo never'], context)
  program.stdout.once('data', cut)
  await assert.rejects(program.ended, { kind: 'unreachable', message: /cut/ })
  assert.ok(program.stdout.errored)
})

/** Passes everything on until `cut`, which ends streams as a proxy does that has waited long enough: without an error. */
async function cuttingProxy(t: TestContext): Promise<{ readonly engine: string; readonly cut: () => void }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-proxy-'))
  const open = new Set<() => void>()
  const server = createServer((client) => {
    const engine = connect(docker.socket)
    client.pipe(engine).on('error', () => undefined)
    engine.pipe(client).on('error', () => undefined)
    open.add(() => client.end())
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve))
  t.after(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { engine: `unix://${join(folder, 'engine.sock')}`, cut: () => open.forEach((end) => end()) }
}
