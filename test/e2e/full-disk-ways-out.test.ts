import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as anyTest } from 'node:test'
import { backUp, expectFailure, pointIds, restoreWhole } from './expect.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import { mountSmallDisk, noSmallDisks, type SmallDisk } from './small-disk.ts'

/** Three backups fill a disk, and the fourth fails: its own message leads to a backup that succeeds. */
const base = await startReadyLab()
const MB = 2 ** 20

async function filledUp(): Promise<{ readonly lab: Lab; readonly disk: SmallDisk; readonly points: string[] }> {
  const [fork, disk] = [await forkLab(base), await mountSmallDisk(8 * MB)]
  await writeFile(join(fork.files, 'large.bin'), randomBytes(2 * MB))
  await cp(fork.repository, disk.path, { recursive: true })
  await fork.edit(({ repositories, apps }) => {
    repositories['main']!['url'] = `file://${disk.path}`
    apps['portal']!.retention = { last: 2, minimum: 1 }
  })
  const lab = { ...fork, repository: disk.path }
  const points = [await backUp(lab), await backUp(lab), await backUp(lab)]
  return { lab, disk, points }
}

const full = { code: 13, kind: 'refused', message: /no space left/ } as const

/** The words of the command that a text advises, which has this option. */
function advised(text: string | undefined, verb: 'prune' | 'remove'): string[] {
  const option = verb === 'prune' ? '--accept [\\w-]+' : '--now'
  const command = new RegExp(`holdfast (${verb}(?: [\\w-]+)* ${option})`).exec(text ?? '')?.[1]
  assert.ok(command !== undefined, `no holdfast ${verb} in: ${text}`)
  return command.split(' ')
}

for (const [how, left] of [
  ['has room for small things', undefined],
  ['has not one byte left', 0],
] as const) {
  anyTest(`a disk that ${how}`, { skip: noSmallDisks ?? false, timeout: 300_000 }, async () => {
    const { lab, disk, points } = await filledUp()
    if (left !== undefined) await disk.fill(left)
    // Where the point that went was smaller than the one to come, the next message names the next one.
    let removed = 0
    for (let code = 13; code !== 0; removed += 1) {
      const { hint } = await expectFailure(lab, ['backup'], { ...full, hint: /holdfast remove/ })
      const remove = advised(hint, 'remove')
      assert.equal(remove[1], points[removed], 'the oldest first')
      await lab.json([...remove, '--yes'])
      assert.deepEqual(await pointIds(lab), points.slice(removed + 1))
      code = (await lab.run('backup')).code
    }
    assert.ok(removed <= 2)
    await disk.free()
    await restoreWhole(lab, points[2]!)
  })
}

anyTest('prune that is frozen by it names the id', { skip: noSmallDisks ?? false, timeout: 300_000 }, async () => {
  const { lab, points } = await filledUp()
  const { hint } = await expectFailure(lab, ['backup'], { ...full, hint: /holdfast prune/ })
  const first = await lab.run(...advised(hint, 'prune'))
  assert.equal(first.code, 13, first.out + first.error)
  const second = await lab.run(...advised(first.out, 'prune'))
  assert.equal(second.code, 0, second.out + second.error)
  assert.deepEqual(await pointIds(lab), points.slice(1))
  await lab.json(['remove', points[0]!, '--now', '--yes'])
  await backUp(lab)
})
