import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { captureByTar } from '../../src/components/files/inside/capture-by-tar.ts'
import { shellIn, type InsideShell } from '../../src/components/files/inside/shell.ts'
import {
  capture,
  contextWith,
  MemoryArtifacts,
  settingsFor,
  temporaryFolder,
} from '../../src/components/files/testing/trees.ts'
import { wayOf } from '../../src/components/files/inside/way.ts'
import { provenOutput } from '../../src/platforms/routes/proven-output.ts'
import type { Through } from '../../src/platforms/through.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { busybox } from '../parts/root-filesystem.ts'

// A folder that is read by tar through a shell gives the same two artifacts as one that is read here.

const context = contextWith()
const WHOLE_SECOND = 1_700_000_000

/** Every kind of name and thing. With whole seconds only, where a tar gives no more. */
async function hardTree(folder: string, seconds: 'whole' | 'exact'): Promise<string> {
  const live = join(folder, 'live')
  const at = (name: string): string => join(live, name)
  await mkdir(join(live, 'd'.repeat(120), 'e'.repeat(120)), { recursive: true })
  await writeFile(join(live, 'd'.repeat(120), 'e'.repeat(120), 'f'.repeat(200)), 'deep')
  await mkdir(at('empty'))
  await writeFile(at('two\nlines'), 'newline')
  await writeFile(at('-rf'), 'dash')
  await writeFile(at('with spaces * and $HOME'), 'spaces')
  await writeFile(Buffer.concat([Buffer.from(`${live}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'no text')
  await writeFile(at('größe'), 'umlaut', { mode: 0o640 })
  await writeFile(at('nothing'), '')
  await writeFile(at('nothing too'), '')
  await writeFile(at('z-big'), Buffer.alloc(2_500_000, 'x'))
  await link(at('z-big'), at('a-hard'))
  await mkdir(at('cache'))
  await writeFile(at('cache/first'), 'two names')
  await link(at('cache/first'), at('second'))
  await link(at('cache/first'), at('third'))
  await symlink('../'.repeat(60), at('long link'))
  await link(at('long link'), at('long link too'))
  await symlink('/etc/passwd', at('out'))
  await writeFile(at('sparse'), 'x')
  await truncate(at('sparse'), 5_000_000)
  await chmod(at('empty'), 0o1777)
  execFileSync('mkfifo', [at('pipe')])
  const time = seconds === 'whole' ? WHOLE_SECOND : WHOLE_SECOND + 0.25
  execFileSync('find', [live, '-exec', 'touch', '--no-dereference', `--date=@${time}`, '{}', '+'])
  return live
}

async function busyboxPath(t: TestContext): Promise<string> {
  const bin = join(await temporaryFolder(t), 'bin')
  await mkdir(bin)
  const program = await busybox()
  for (const name of ['sh', 'env', 'tar', 'stat', 'tee', 'sha256sum', 'tail', 'id', 'ls', 'head'])
    await symlink(program, join(bin, name))
  return bin
}

const shellOf = (environment: Readonly<Record<string, string>>): InsideShell => shellIn(new LocalPlace({ environment }))

for (const settings of [{}, { exclude: ['cache'] }, { include: ['second', 'cache/first', 'd*'] }])
  test(`GNU tar gives the bytes that a capture here gives, with ${JSON.stringify(settings)}`, async (t) => {
    const live = await hardTree(await temporaryFolder(t), 'exact')
    const here = await capture(settingsFor(live, settings))
    const artifacts = new MemoryArtifacts()
    const captured = await captureByTar(settingsFor(live, settings), shellOf({}), artifacts, context)
    assert.equal(artifacts.get('entries').toString(), here.artifacts.get('entries').toString())
    assert.ok(artifacts.get('content').equals(here.artifacts.get('content')))
    assert.deepEqual(captured.details, here.details)
    const pipe = captured.notCaptured.filter((line) => line.includes('pipe'))
    assert.deepEqual(
      pipe,
      here.notCaptured.filter((line) => line.includes('pipe')),
    )
  })

test('the tar of busybox gives the same but fractions of a second', async (t) => {
  const live = await hardTree(await temporaryFolder(t), 'whole')
  const here = await capture(settingsFor(live))
  const artifacts = new MemoryArtifacts()
  const { notCaptured } = await captureByTar(
    settingsFor(live),
    shellOf({ PATH: await busyboxPath(t) }),
    artifacts,
    context,
  )
  assert.equal(artifacts.get('entries').toString(), here.artifacts.get('entries').toString())
  assert.ok(artifacts.get('content').equals(here.artifacts.get('content')))
  assert.match(notCaptured.join('\n'), /whole seconds/)
})

/** A tar that says what it is told to, after it did what it should. */
async function oddTar(t: TestContext, ending: string): Promise<InsideShell> {
  const bin = await temporaryFolder(t)
  await writeFile(join(bin, 'tar'), `#!/bin/sh\n[ "$1" != --version ] || exec /usr/bin/tar "$@"\n${ending}\n`, {
    mode: 0o755,
  })
  return shellOf({ PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` })
}

const endings: Readonly<Record<string, readonly [string, object | RegExp]>> = {
  'a file that changed while it was read is named': [
    '/usr/bin/tar "$@"; echo "tar: ./file: file changed as we read it" >&2; exit 1',
    /may be captured half old and half new: file/,
  ],
  'what is on another file system is named': [
    '/usr/bin/tar "$@"; echo "tar: ./file: file is on a different filesystem; not dumped" >&2',
    /What is on another file system is not captured: file/,
  ],
  'a tar that could not read all makes no capture': [
    '/usr/bin/tar "$@"; echo "tar: ./file: Cannot open: Permission denied" >&2; exit 2',
    { kind: 'toolFailed', message: /could not read all of .*exit code 2\ntar: \.\/file: Cannot open/ },
  ],
  'an archive that ends early makes no capture': [
    '/usr/bin/tar "$@" | head -c 5000',
    { kind: 'unreachable', message: /ends early/ },
  ],
}

for (const [what, [ending, expected]] of Object.entries(endings))
  test(what, async (t) => {
    const live = await temporaryFolder(t)
    await writeFile(join(live, 'file'), 'x'.repeat(10_000))
    const artifacts = new MemoryArtifacts()
    const capturing = captureByTar(settingsFor(live), await oddTar(t, ending), artifacts, context)
    if (!(expected instanceof RegExp)) {
      await assert.rejects(capturing, expected)
      assert.deepEqual(artifacts.roles, [])
    } else assert.match((await capturing).notCaptured.join('\n'), expected)
  })

test('a transport that loses the end, or bytes of the middle, makes no capture', async (t) => {
  const live = await temporaryFolder(t)
  await writeFile(join(live, 'file'), 'x'.repeat(3_000_000))
  for (const lose of [cutAfter, skipping]) {
    const place = new LocalPlace()
    const start = place.start.bind(place)
    place.start = async (argv, where) => {
      const program = await start(argv, where)
      const lossy = argv.includes(live) && argv.length > 10
      return lossy ? { ...program, stdout: Readable.from(lose(program.stdout)) } : program
    }
    const artifacts = new MemoryArtifacts()
    await assert.rejects(captureByTar(settingsFor(live), shellIn(place), artifacts, context), {
      kind: lose === cutAfter ? 'unreachable' : /^(?:unreachable|unsupported)$/,
    })
    assert.deepEqual(artifacts.roles, [])
  }
})

async function* cutAfter(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let given = 0
  for await (const chunk of stream) {
    given += chunk.length
    if (given < 1_000_000) yield chunk
  }
}

async function* skipping(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let given = 0
  for await (const chunk of stream) {
    given += chunk.length
    yield given > 1_000_000 && given < 1_200_000 ? chunk.subarray(512) : chunk
  }
}

test('a folder that is not there, is a link or a file, and a container without tar are one clear error each', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'file'), '')
  await symlink(folder, join(folder, 'link'))
  const of = (name: string, shell = shellOf({})) =>
    captureByTar(settingsFor(join(folder, name)), shell, new MemoryArtifacts(), context)
  await assert.rejects(of('gone'), { kind: 'notFound', message: /gone in local place .* is not there/ })
  await assert.rejects(of('link'), { kind: 'refused', message: /is a symbolic link/ })
  await assert.rejects(of('file'), { kind: 'refused', message: /is not a folder/ })
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const programs = ['sh', 'env', 'stat', 'tee', 'cksum', 'id', 'ls']
  for (const name of programs) await symlink(`/usr/bin/${name}`, join(bin, name))
  await mkdir(join(folder, 'there'))
  await assert.rejects(of('there', shellOf({ PATH: bin })), { kind: 'unsupported', message: /no tar is there/ })
})

test('a folder of this host is taken only if it is the one inside, by device and number', async (t) => {
  const [folder, other] = [await temporaryFolder(t), await temporaryFolder(t)]
  for (const each of [folder, other]) await mkdir(join(each, 'app'))
  const shell = shellOf({})
  const ask = (path: string, volume: string) => {
    const through: Through = {
      name: shell.name,
      open: () => Promise.reject(new Error('nobody opens it')),
      lastFailure: () => undefined,
      variable: () => Promise.reject(new Error('nobody asks')),
      output: (program, where) => provenOutput(new LocalPlace(), program.argv({ host: '', port: 0 }), undefined, where),
      hostFolder: () => Promise.resolve({ path, volume: { onHost: volume, inside: folder } }),
    }
    return wayOf({ ...settingsFor(join(folder, 'app')), through }, context)
  }
  const found = await ask(join(folder, 'app'), folder)
  assert.ok('settings' in found && found.settings.path === join(folder, 'app') && found.settings.through === undefined)
  for (const [path, volume] of [
    [join(other, 'app'), other],
    [join(other, 'app'), folder],
    [join(folder, 'app'), other],
    [join(folder, 'gone'), folder],
  ] as const)
    assert.match(JSON.stringify(await ask(path, volume)), /is not the folder that the container has/)
})
