import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BUSYBOX = '/bin/busybox'
const PATH = 'PATH=/bin:/usr/bin'

/** What an image is made of. */
interface TestImage {
  readonly name: string
  /** Fills its root folder. */
  fill(root: string): Promise<void>
  readonly entrypoint: readonly string[]
  readonly environment?: readonly string[]
}

/** As PID 1 it reaps what an exec leaves, as servers do. */
const INIT = ['/bin/sh', '-c', 'sleep infinity & wait']
/** Of GNU: busybox's own cat ends early where it writes to /dev/null. */
const COREUTILS = ['bash', 'cat', 'head', 'seq', 'sha256sum', 'wc', 'sleep', 'printenv']

/** `busybox` is like Alpine; `debian` has bash and coreutils over that; `bare` has two programs and no shell. */
const images: readonly TestImage[] = [
  {
    name: 'holdfast.test/busybox:1',
    fill: installBusybox,
    entrypoint: INIT,
    environment: ['OF_IMAGE=from the image'],
  },
  {
    name: 'holdfast.test/debian:1',
    fill: installDebian,
    entrypoint: INIT,
  },
  { name: 'holdfast.test/bare:1', fill: installBare, entrypoint: ['/sleep', 'infinity'] },
]

/**
 * PostgreSQL of this machine, over the image like Debian. Its server trusts whoever connects by TCP inside the pod, and
 * its environment names a password. Its data are gone with the pod.
 */
const postgres: TestImage = {
  name: 'holdfast.test/postgres:1',
  fill: async (root) => {
    await installDebian(root)
    const [folder = ''] = globSync('/usr/lib/postgresql/*').toSorted().reverse()
    for (const name of ['initdb', 'postgres', 'pg_dump', 'psql'])
      await installProgram(root, join(folder, 'bin', name), join(folder, 'bin', name))
    await copyFolder(root, join(folder, 'lib'), 'bitcode')
    await copyFolder(root, folder.replace('/lib/', '/share/'), 'man')
    await copyFolder(root, '/usr/share/zoneinfo/Etc')
    await writeFile(join(root, 'bin', 'start-postgres'), START.replaceAll('FOLDER', folder), { mode: 0o755 })
  },
  entrypoint: ['/bin/sh', '/bin/start-postgres'],
  environment: ['LANG=C', 'TZ=Etc/UTC'],
}
const START = `set -e
PATH=FOLDER/bin:$PATH
initdb -D /tmp/data -U postgres -A trust --no-sync -E UTF8 --locale=C >/dev/null
exec postgres -D /tmp/data -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp -c fsync=off -c jit=off
`

/** Into the node whose containerd has its socket there; its kubelet waits for them. */
export async function importImages(folder: string): Promise<void> {
  for (const image of images) await importImage(folder, image)
  await writeFile(join(folder, 'images-are-there'), '')
}

/** For tests that need a database in a pod: it takes some seconds. */
export async function importPostgres({ folder }: { readonly folder: string }): Promise<string> {
  await importImage(folder, postgres)
  return postgres.name
}

export async function importImage(folder: string, image: TestImage): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-image-'))
  try {
    const root = join(work, 'root')
    await mkdir(root, { mode: 0o755 })
    await image.fill(root)
    await run('tar', ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '-cf', join(work, 'layer.tar'), '.'])
    await writeFile(join(work, 'config.json'), JSON.stringify(configOf(image, await readFile(join(work, 'layer.tar')))))
    const manifest = [{ Config: 'config.json', RepoTags: [image.name], Layers: ['layer.tar'] }]
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
    const archive = join(work, 'image.tar')
    await run('tar', ['-C', work, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
    await run('ctr', ['-a', join(folder, 'containerd.sock'), '-n', 'k8s.io', 'images', 'import', archive])
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function configOf({ entrypoint, environment = [] }: TestImage, layer: Buffer): unknown {
  const digest = createHash('sha256').update(layer).digest('hex')
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: entrypoint, Env: [PATH, ...environment] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  }
}

async function installBusybox(root: string): Promise<void> {
  for (const folder of ['bin', 'tmp', 'etc', 'usr']) await mkdir(join(root, folder), { mode: 0o755, recursive: true })
  await chmod(join(root, 'tmp'), 0o1777)
  await copyFile(BUSYBOX, join(root, 'bin', 'busybox'))
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n')
  const { stdout } = await run(BUSYBOX, ['--list'])
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  await run('sh', ['-c', 'cd "$0" && for one; do ln -s busybox "$one"; done', join(root, 'bin'), ...applets])
}

async function installDebian(root: string): Promise<void> {
  await installBusybox(root)
  for (const name of COREUTILS) await installProgram(root, programOf(name), join('/bin', name))
  // Busybox's shell would take its own programs before those.
  await copyInto(root, '/bin/bash', '/bin/sh')
}

function programOf(name: string): string {
  return [join('/bin', name), join('/usr/bin', name)].find((path) => existsSync(path)) ?? name
}

async function copyFolder(root: string, folder: string, without = ''): Promise<void> {
  const filter = (path: string): boolean => without === '' || !path.endsWith(`/${without}`)
  await cp(folder, join(root, folder), { recursive: true, dereference: true, filter })
}

/** From this machine, with the libraries that it is linked to, at the places where it looks for them. */
async function installProgram(root: string, program: string, path: string): Promise<void> {
  const { stdout } = await run('ldd', [program])
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '')
  for (const file of libraries) await copyInto(root, file, file)
  await copyInto(root, program, path)
}

async function copyInto(root: string, file: string, path: string): Promise<void> {
  const target = join(root, path)
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await rm(target, { force: true })
  await copyFile(file, target)
}

/** Two static programs and no shell. */
async function installBare(root: string): Promise<void> {
  for (const name of ['sleep', 'nc']) await copyFile(BUSYBOX, join(root, name))
}
