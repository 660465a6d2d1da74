import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { findAttributes, pathsWithAttributes } from './attributes.ts'
import { selectionOf } from '../capture/selection.ts'
import { contextWith, temporaryFolder } from '../testing/trees.ts'

const context = contextWith()
const all = selectionOf({ exclude: [] })

// What getfattr 2.5.1 prints for user attributes, an ACL, a SELinux label, and a name with a newline and a non-ASCII letter.
const printed = `# file: /data
system.posix_acl_default

# file: /data/a
user.note
user.other

# file: /data/label
security.selinux

# file: /data/d/x\\012\\303\\251
system.posix_acl_access

`

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (let begin = 0; begin < text.length; begin += 11) yield Buffer.from(text.slice(begin, begin + 11))
}

test('the output of getfattr is read file by file, without SELinux labels', async () => {
  const found: string[] = []
  for await (const path of pathsWithAttributes(pieces(printed), '/data')) found.push(path)
  assert.deepEqual(found, ['.', 'a', 'd/x\n\u00c3\u00a9'])
})

test('attributes are named only for what is selected', async (t) => {
  const folder = await temporaryFolder(t)
  const tool = join(folder, 'getfattr')
  await mkdir(join(folder, 'data'))
  await writeFile(
    tool,
    `#!/bin/sh\nprintf '# file: ${folder}/data/a\\nuser.x\\n\\n# file: ${folder}/data/b.log\\nuser.x\\n\\n'\n`,
  )
  await chmod(tool, 0o755)
  assert.match(
    (await findAttributes(join(folder, 'data'), selectionOf({ exclude: ['*.log'] }), context, tool)) ?? '',
    /not captured: a$/,
  )
  assert.equal(await findAttributes(join(folder, 'data'), selectionOf({ exclude: ['*'] }), context, tool), undefined)
})

test('a tool that fails is not taken for a folder without attributes', async () => {
  assert.match(
    (await findAttributes('/', all, context, '/bin/false')) ?? '',
    /whether there are any is unknown: \/bin\/false failed/,
  )
})
