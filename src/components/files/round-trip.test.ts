import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import * as fc from 'fast-check'
import type { Difference } from '../../core/restore-point.ts'
import type { RestoreTarget } from '../target.ts'
import { filesDriver } from './driver.ts'
import { openFolder, child } from './tree/folder.ts'
import { rightsHere } from './restore/load.ts'
import { rawOf } from './tree/names.ts'
import type { FilesDetails } from './schema.ts'
import { capture, contextWith, settingsFor, temporaryFolder, type Capture } from './testing/trees.ts'

const context = contextWith()

async function restored(
  folder: string,
  captured: Capture,
  restoreId = '00000001',
): Promise<{ target: RestoreTarget<FilesDetails>; root: string; differences: () => Promise<readonly Difference[]> }> {
  const scratchFolder = join(folder, 'scratch')
  await mkdir(scratchFolder, { recursive: true })
  const target = await filesDriver.open(
    settingsFor(join(folder, 'live')),
    { mode: 'scratch', restoreId, scratchFolder },
    context,
  )
  await target.load(captured.details, captured.artifacts, context)
  const [name] = (await readdir(scratchFolder)).filter((entry) => entry.endsWith(restoreId))
  return {
    target,
    root: join(scratchFolder, name ?? '', 'loaded'),
    differences: () => target.compare(captured.details, context),
  }
}

test('names of any bytes come back, whatever they are', async (t) => {
  const folder = await temporaryFolder(t)
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 255 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
    .filter((bytes) => !['.', '..'].includes(bytes.toString('latin1')))
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 8, selector: rawOf }), async (names) => {
      run += 1
      const source = join(folder, `live-${run}`)
      await mkdir(source)
      const opened = await openFolder(source)
      for (const [index, bytes] of names.entries()) {
        const path = child(opened, rawOf(bytes))
        if (index % 3 === 0) await mkdir(path)
        else if (index % 3 === 1) await writeFile(path, `content ${index}`)
        else await symlink(bytes, path)
      }
      await opened.handle.close()
      const captured = await capture(settingsFor(source))
      assert.equal(captured.details.entries, names.length + 1)
      const { target, differences } = await restored(folder, captured, run.toString(16).padStart(8, '0'))
      assert.deepEqual(await differences(), [])
      await target.discard(context)
    }),
    { numRuns: 40 },
  )
})

/** A tree with one of everything. */
async function exampleTree(folder: string): Promise<string> {
  const live = join(folder, 'live')
  await mkdir(join(live, 'd', 'deep'), { recursive: true })
  await writeFile(join(live, 'd', 'deep', 'file'), 'content')
  await writeFile(join(live, 'd', 'key'), 'secret', { mode: 0o600 })
  await link(join(live, 'd', 'key'), join(live, 'second name'))
  await symlink('/etc/ssl', join(live, 'absolute'))
  await symlink('d/deep', join(live, 'inside'))
  await mkdir(join(live, 'empty'))
  await mkdir(join(live, 'read-only'))
  await writeFile(join(live, 'read-only', 'file'), '')
  await chmod(join(live, 'read-only'), 0o555)
  await chmod(join(live, 'empty'), 0o2711)
  await chmod(join(live, 'd', 'deep', 'file'), 0o4750)
  await utimes(join(live, 'd', 'deep', 'file'), 1_000_000_000.123456, 1_000_000_000.123456)
  await utimes(join(live, 'empty'), 1e9, 1e9)
  return live
}

test('everything that is captured comes back and compares equal', async (t) => {
  const folder = await temporaryFolder(t)
  const captured = await capture(settingsFor(await exampleTree(folder)))
  const { target, root, differences } = await restored(folder, captured)
  assert.deepEqual(await differences(), [])
  assert.equal((await lstat(join(root, 'd', 'key'))).ino, (await lstat(join(root, 'second name'))).ino)
  assert.equal(await target.state(context), 'staged')
  await target.discard(context)
  assert.equal(await target.state(context), 'untouched')
})

test('paths longer than the kernel takes in one call come back', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'live'))
  let opened = await openFolder(join(folder, 'live'))
  for (let depth = 0; depth < 25; depth += 1) {
    await mkdir(child(opened, 'n'.repeat(200)))
    const inside = await openFolder(child(opened, 'n'.repeat(200)))
    await opened.handle.close()
    opened = inside
  }
  await writeFile(child(opened, 'leaf'), 'leaf')
  await opened.handle.close()
  const captured = await capture(settingsFor(join(folder, 'live')))
  const { target, differences } = await restored(folder, captured)
  assert.equal(captured.details.entries, 27)
  assert.deepEqual(await differences(), [])
  await target.discard(context)
})

test('runs of zeros become holes and have the real size', async (t) => {
  const folder = await temporaryFolder(t)
  const live = join(folder, 'live')
  await mkdir(live)
  await writeFile(join(live, 'sparse'), 'head')
  await truncate(join(live, 'sparse'), 8 * 1024 * 1024)
  await appendFile(join(live, 'sparse'), 'tail')
  await writeFile(join(live, 'zeros'), Buffer.alloc(1024 * 1024))
  const { root, differences } = await restored(folder, await capture(settingsFor(live)))
  assert.deepEqual(await differences(), [])
  for (const name of ['sparse', 'zeros']) {
    assert.ok((await lstat(join(root, name))).blocks * 512 <= 192 * 1024, name)
    assert.deepEqual(await readFile(join(root, name)), await readFile(join(live, name)))
  }
})

/** One change of a restored tree, and what compare says of it. */
const damages: readonly {
  readonly name: string
  readonly by: (root: string) => Promise<void>
  readonly says: RegExp
}[] = [
  {
    name: 'content',
    by: (root) => keepingTime(join(root, 'd/deep/file'), (path) => overwrite(path, 'CONTENT')),
    says: /file d\/deep\/file: \d+ bytes, as captured.*not the same/,
  },
  {
    name: 'size',
    by: (root) => keepingTime(join(root, 'd/deep/file'), (path) => appendFile(path, '!')),
    says: /file d\/deep\/file: 7 bytes, 8 bytes/,
  },
  { name: 'mode', by: (root) => chmod(join(root, 'd/key'), 0o644), says: /file d\/key: mode 0600, mode 0644/ },
  {
    name: 'mode of a folder',
    by: (root) => chmod(join(root, 'empty'), 0o755),
    says: /folder empty: mode [02]711, mode 0755/,
  },
  {
    name: 'time',
    by: (root) => utimes(join(root, 'd/deep/file'), 5, 5),
    says: /file d\/deep\/file: time 1000000000123456/,
  },
  {
    name: 'missing',
    by: (root) => keepingTime(root, () => unlink(join(root, 'second name'))),
    says: /hard link second name: there, missing/,
  },
  {
    name: 'missing folder',
    by: (root) => rm(join(root, 'empty'), { recursive: true }),
    says: /folder empty: there, missing/,
  },
  { name: 'extra', by: (root) => writeFile(join(root, 'd', 'zzz'), ''), says: /file d\/zzz: nothing, there/ },
  { name: 'extra at the end', by: (root) => writeFile(join(root, 'zzz'), ''), says: /file zzz: nothing, there/ },
  { name: 'extra at the start', by: (root) => mkdir(join(root, '!')), says: /folder !: nothing, there/ },
  {
    name: 'link target',
    by: (root) => relink(join(root, 'inside'), 'd/other'),
    says: /symbolic link inside: to d\/deep, to d\/other/,
  },
  { name: 'type', by: (root) => relink(join(root, 'd/key'), '/etc/passwd'), says: /file d\/key: file, symlink/ },
  {
    name: 'copy for a hard link',
    by: (root) => severed(join(root, 'second name')),
    says: /hard link second name: hard link to d\/key, file/,
  },
]

/** Only root can give a file away. */
const ownerDamages: typeof damages = [
  { name: 'owner', by: (root) => chown(join(root, 'd'), 12, 34), says: /folder d: owner 0:0, owner 12:34/ },
]

for (const { name, by, says } of [...damages, ...((await rightsHere()).owners ? ownerDamages : [])]) {
  test(`compare is red when a restored tree differs: ${name}`, async (t) => {
    const folder = await temporaryFolder(t)
    const { root, differences } = await restored(folder, await capture(settingsFor(await exampleTree(folder))))
    assert.deepEqual(await differences(), [])
    await by(root)
    const lines = (await differences()).map(({ subject, expected, found }) => `${subject}: ${expected}, ${found}`)
    assert.ok(
      lines.some((line) => says.test(line)),
      lines.join('\n'),
    )
  })
}

async function keepingTime(path: string, act: (path: string) => Promise<void>): Promise<void> {
  const { atimeMs, mtimeNs } = await lstat(path, { bigint: true })
  await act(path)
  await utimes(path, Number(atimeMs) / 1000, (Number(mtimeNs) / 1e9).toString())
}

async function overwrite(path: string, text: string): Promise<void> {
  const handle = await open(path, constants.O_WRONLY)
  await handle.write(text, 0)
  await handle.close()
}

async function relink(path: string, target: string): Promise<void> {
  await unlink(path)
  await symlink(target, path)
}

async function severed(path: string): Promise<void> {
  await copyFile(path, `${path}.copy`)
  await rename(`${path}.copy`, path)
}
