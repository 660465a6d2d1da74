import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processNamed, thisProcess } from '../../src/system/process/this-process.ts'
import { startDocker } from '../parts/docker.ts'
import { BARE_IMAGE, BUSYBOX_IMAGE, POSTGRES_IMAGE } from '../parts/docker/images.ts'
import { makeContainerApp } from './container-app.ts'
import { dieAt } from './dying-command.ts'
import { at } from '../parts/kubernetes.ts'
import { editConfig } from './lab.ts'

// Folders inside containers: on a named volume of this host, and where nothing of this host is.

const docker = await startDocker()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-files-'))
after(() => rm(folder, { recursive: true, force: true }))
const FILL =
  '[ -e /data/app ] || { mkdir -p /data/app/inner && echo first >/data/app/one && ln /data/app/one /data/app/two; }'
const idle = (image: string) => ({ image, init: true, command: ['sh', '-c', `${FILL}; exec sleep 1000000`] })
const project = await docker.project({
  services: {
    volume: { ...idle(POSTGRES_IMAGE), volumes: ['data:/data'] },
    memory: { ...idle(BUSYBOX_IMAGE), tmpfs: ['/data'] },
    debian: { ...idle(POSTGRES_IMAGE), tmpfs: ['/data'] },
    anonymous: { ...idle(BUSYBOX_IMAGE), volumes: ['/data'] },
    bare: { image: BARE_IMAGE, init: true, volumes: ['data:/data'] },
  },
  volumes: { data: {} },
})

const component = (service: string, more: object = {}) => ({
  kind: 'files',
  path: '/data/app',
  reach: { kind: 'compose', service },
  ...more,
})
const platform = {
  kind: 'compose',
  project: project.name,
  engine: `unix://${docker.socket}`,
  services: ['volume'],
}
const { run } = await makeContainerApp(folder, { platform, components: { files: component('volume') } })
const configure = (components: Readonly<Record<string, object>>): Promise<void> =>
  editConfig(join(folder, 'holdfast.yaml'), (whole) => Object.assign(whole.apps['portal'] ?? {}, { components }))
async function must(...args: readonly string[]): Promise<string> {
  const { code, out, error } = await run(...args)
  assert.equal(code, 0, `${args.join(' ')}: ${error}${out}`)
  return `${out}${error}`
}
const inside = (service: string, text: string): Promise<string> =>
  project.compose('exec', '-T', service, 'sh', '-c', text)

test('a folder on a volume of this host is captured, swapped and brought back, its container stopped meanwhile', async () => {
  await configure({ files: component('volume', { via: 'mounted' }) })
  assert.match(await must('check'), /folder \/data\/app in service volume of .* is .*_data\/app of this host/)
  await must('backup', 'portal')
  await must('drill', 'portal')
  await inside('volume', 'echo second >/data/app/one; touch /data/app/more')
  await must('restore', 'portal', '--yes')
  assert.equal((await inside('volume', 'cat /data/app/two; ls /data/app')).trim(), 'first\ninner\none\ntwo')
  await must('undo', 'portal', '--yes')
  assert.equal((await inside('volume', 'cat /data/app/two; ls /data/app')).trim(), 'second\ninner\nmore\none\ntwo')
  assert.equal((await project.states())['volume-1'], 'running')
})

test('a container that does not run is looked at in another with its volumes, of which nothing is left', async () => {
  await configure({ files: component('volume'), anonymous: component('anonymous') })
  await must('backup', 'portal')
  await project.compose('stop', '--timeout', '0', 'volume', 'anonymous')
  const checked = await must('check')
  assert.equal([...checked.matchAll(/is \S+_data\S* of this host/g)].length, 2)
  await must('restore', 'portal', '--yes')
  await must('undo', 'portal', '--yes')
  const filters = encodeURIComponent(JSON.stringify({ label: [`holdfast.throw-away=${project.name}`] }))
  assert.deepEqual(await docker.must('GET', `/containers/json?all=1&filters=${filters}`), [])
  await project.compose('start', 'volume', 'anonymous')
  assert.match(await inside('anonymous', 'ls /data/app'), /one/)
})

test('a folder that no folder of this host is, is captured by tar, drilled, and not restored', async () => {
  await configure({ small: component('memory'), debian: component('debian') })
  const checked = await must('check')
  assert.match(checked, /is read by the tar of busybox of the container/)
  assert.match(checked, /is read by GNU tar of the container/)
  assert.match(await must('backup', 'portal'), /whole seconds/)
  await must('drill', 'portal')
  const refused = await run('restore', 'portal', '--yes')
  assert.notEqual(refused.code, 0)
  assert.match(refused.error + refused.out, /cannot be restored from this host/)
  const elsewhere = join(folder, 'elsewhere')
  await must('restore', 'portal', '--yes', '--component', 'debian', '--into', `debian.path=${elsewhere}`)
})

const leftOf = async (): Promise<readonly unknown[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`holdfast.throw-away=${project.name}`] }))
  const left: unknown = await docker.must('GET', `/containers/json?all=1&filters=${filters}`)
  assert.ok(Array.isArray(left))
  return left
}

test('a helper reads the volume of a container without tar, also of a stopped one, and nothing is left of it', async () => {
  const helper = { via: 'helper', helperImage: BUSYBOX_IMAGE }
  await configure({ bare: component('bare', helper), volume: component('volume', { via: 'helper' }) })
  await project.compose('stop', '--timeout', '0', 'volume', 'bare')
  const checked = await must('check')
  assert.match(checked, /is read by the tar of busybox of a helper with image holdfast.test\/busybox:1/)
  assert.match(checked, /is read by GNU tar of a helper with image holdfast.test\/postgres:15/)
  assert.match(await must('backup', 'portal'), /is read by container holdfast-throw-away-\w+, a helper with image/)
  await must('drill', 'portal')
  await project.compose('start', 'volume', 'bare')
  const elsewhere = join(folder, 'from-helper')
  await must('restore', 'portal', '--yes', '--component', 'bare', '--into', `bare.path=${elsewhere}`)
  assert.equal(await readFile(join(elsewhere, 'one'), 'utf8'), await inside('volume', 'cat /data/app/one'))
  const { code, error, out } = await run('restore', 'portal', '--yes')
  assert.notEqual(code, 0)
  assert.match(error + out, /cannot be restored from this host: via is helper/)
  assert.deepEqual(await leftOf(), [])
})

test('a helper of a command that died is gone after the next', async () => {
  await configure({ volume: component('volume', { via: 'helper' }) })
  const started = { name: 'files: start the helper', occurrence: 1 }
  // While it is made, and when it runs.
  for (const death of [200, 'after'] as const) {
    await dieAt(folder, ['backup', 'portal'], { ...started, death })
    await must('backup', 'portal')
    assert.deepEqual(await leftOf(), [])
  }
  // One that was created and not started, as of a process that died between the two; and one of another machine.
  const make = async (owner: readonly string[]): Promise<void> => {
    const Labels = { 'holdfast.throw-away': project.name, 'holdfast.owner': JSON.stringify(owner) }
    await docker.must('POST', '/containers/create', { Image: BUSYBOX_IMAGE, Cmd: ['cat'], Labels })
  }
  const [boot, own] = processNamed(await thisProcess())
  await make([boot, own, '4194304', '1', 'throw-away', hostname()])
  await make(['boot', 'own', '1', '1', 'throw-away', 'elsewhere'])
  await must('backup', 'portal')
  const [other, ...more] = await leftOf()
  assert.ok(more.length === 0 && JSON.stringify(other).includes('elsewhere'))
  await docker.must('DELETE', `/containers/${String(at(other, 'Id'))}`)
})

test('a helper that cannot be, or is of no use, is one clear error', async () => {
  const refused = async (of: object, expected: RegExp): Promise<void> => {
    await configure({ files: of })
    const { code, error, out } = await run('backup', 'portal')
    assert.notEqual(code, 0)
    assert.match(error + out, expected)
    assert.deepEqual(await leftOf(), [])
  }
  const helper = (service: string, more: object = {}) => component(service, { via: 'helper', ...more })
  await refused(helper('bare'), /no helper reads folder \/data\/app of service bare.*cat[^]*helperImage/)
  await refused(
    helper('volume', { helperImage: 'none.test/none:1' }),
    /has no image none.test\/none:1[^]*pulls no image/,
  )
  await refused(helper('memory'), /\/data\/app lies on no volume of container/)
  await refused(helper('volume', { path: '/data/gone' }), /folder \/data\/gone in container .* is not there/)
  await refused(component('volume', { helperImage: BUSYBOX_IMAGE }), /helperImage is for via: helper/)
})

test('a container without a shell is one clear error, and makes no restore point', async () => {
  await configure({ bare: component('bare', { path: '/data/app' }) })
  const { code, error, out } = await run('backup', 'portal')
  assert.notEqual(code, 0)
  assert.match(error + out, /is not there in container/)
})
