import assert from 'node:assert/strict'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import { withTemporaryFolder } from '../../../system/files/temporary-folder.ts'
import { chooseTools, findTools, pickTools } from './tools.ts'
import type { Tools } from './tools.ts'

const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}

function tools(version: number): Tools {
  const folder = `/pg/${version}`
  return {
    folder,
    major: Math.floor(version / 10_000),
    version,
    versionText: '',
    pgDump: '',
    pgRestore: '',
    belowFloor: false,
  }
}

/** Programs that only tell this version. */
async function installIn(
  folder: string,
  version: string,
  programs: readonly string[] = ['pg_dump', 'pg_restore'],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const program of programs) {
    await writeFile(join(folder, program), `#!/bin/sh\necho '${program} (PostgreSQL) ${version}'\n`)
    await chmod(join(folder, program), 0o755)
  }
}

test('tools older than the server are refused with what was found and what to install', () => {
  assert.throws(
    () => pickTools([tools(140001), tools(150018)], 18),
    (error) =>
      error instanceof Failure &&
      error.kind === 'unsupported' &&
      error.message.includes('14.1 in /pg/140001, 15.18 in /pg/150018') &&
      (error.hint ?? '').includes('postgresql-client-18'),
  )
})

test('no tools at all is something else', () => {
  assert.throws(
    () => pickTools([], 15),
    (error) =>
      error instanceof Failure && error.kind === 'notFound' && (error.hint ?? '').includes('postgresql-client-15'),
  )
})

test('a folder that is set is the only one that counts', async () => {
  await withTemporaryFolder(async (folder) => {
    await installIn(folder, '16.3')
    const chosen = await chooseTools(160001, { toolsFolder: folder }, context)
    assert.deepEqual(
      { ...chosen },
      {
        folder,
        major: 16,
        version: 160003,
        versionText: 'pg_dump (PostgreSQL) 16.3',
        pgDump: join(folder, 'pg_dump'),
        pgRestore: join(folder, 'pg_restore'),
        belowFloor: true,
      },
    )
    await assert.rejects(
      chooseTools(170001, { toolsFolder: folder }, context),
      /older than the server's major 17: 16\.3 in/,
    )
  })
})

test('links are followed, a script behind one that chooses by itself is not taken', async () => {
  await withTemporaryFolder(async (folder) => {
    const real = join(folder, 'real')
    await installIn(real, '17.12')
    await installIn(folder, '15.1', ['pg_wrapper'])
    const [linked, wrapped] = [join(folder, 'linked'), join(folder, 'wrapped')]
    await mkdir(linked)
    await mkdir(wrapped)
    await symlink(join(real, 'pg_dump'), join(linked, 'pg_dump'))
    for (const program of ['pg_dump', 'pg_restore']) await symlink(join(folder, 'pg_wrapper'), join(wrapped, program))
    assert.deepEqual(
      (await findTools(linked, context)).map(({ folder, version }) => [folder, version]),
      [[real, 170012]],
    )
    assert.deepEqual(await findTools(wrapped, context), [])
  })
})

test('half an installation, or programs that do not run, are passed over', async () => {
  await withTemporaryFolder(async (folder) => {
    const [half, broken] = [join(folder, 'half'), join(folder, 'broken')]
    await installIn(half, '15.1', ['pg_dump'])
    await installIn(broken, '15.1')
    await writeFile(join(broken, 'pg_dump'), '#!/bin/sh\nexit 1\n')
    const notes: string[] = []
    assert.deepEqual(await findTools(half, context), [])
    assert.deepEqual(
      await findTools(broken, {
        ...context,
        progress: (event) => void (event.type === 'note' && notes.push(event.message)),
      }),
      [],
    )
    assert.match(notes.join(), /ignored .*broken\/pg_dump/)
  })
})
