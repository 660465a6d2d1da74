import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOfSecret } from '../../core/texts/secret-bytes.ts'
import { filesDriver } from './driver.ts'
import { contextWith, MemoryArtifacts, settingsFor, temporaryFolder } from './testing/trees.ts'

test('one file of a captured folder is had for key fit, and the same of the live one', async (t) => {
  const folder = join(await temporaryFolder(t), 'live')
  await mkdir(join(folder, 'tls'), { recursive: true })
  await writeFile(join(folder, 'tls', 'ca.key'), 'captured')
  await writeFile(join(folder, 'large'), Buffer.alloc(1024 * 1024 + 1))
  await symlink('tls/ca.key', join(folder, 'link'))
  const [settings, artifacts, context] = [settingsFor(folder), new MemoryArtifacts(), contextWith()]
  const { details } = await filesDriver.capture(settings, artifacts, context)
  await writeFile(join(folder, 'tls', 'ca.key'), 'live now')
  const captured = async (name: string): Promise<string | undefined> => {
    const secret = await filesDriver.secrets?.captured?.(details, artifacts, name, context)
    return secret === undefined ? undefined : bytesOfSecret(secret).toString()
  }
  const live = async (name: string): Promise<string | undefined> => {
    const secret = await filesDriver.secrets?.live?.(settings, name, context)
    return secret === undefined ? undefined : bytesOfSecret(secret).toString()
  }
  assert.deepEqual([await captured('tls/ca.key'), await live('tls/ca.key')], ['captured', 'live now'])
  assert.deepEqual(
    [await captured('tls/none'), await live('tls/none'), await captured('link')],
    [undefined, undefined, undefined],
  )
  for (const read of [captured, live]) await assert.rejects(read('large'), { kind: 'unsupported' })
  await assert.rejects(live('../outside'), { kind: 'usage' })
})
