import type { Profile } from '../../../profiles/profile.ts'
import type { FilesShape } from '../../../profiles/shape.ts'
import type { Thing } from '../../../platforms/surroundings.ts'
import type { Found } from './draft.ts'
import { wordsOf, type Recognised } from './recognise.ts'

/** A component for each folder of the app that lies on a volume. */
export function folderComponents({ shape }: Profile, { writers }: Recognised): Found {
  const found = shape.files.flatMap((files) => {
    const path = files.paths.find((each) => mountAt(writers, each) !== undefined)
    const mounted = path === undefined ? undefined : mountAt(writers, path)
    return path === undefined || mounted === undefined ? [] : [foundFolder(files, path, mounted)]
  })
  return {
    components: Object.assign({}, ...found.map(({ components }) => components)),
    notCaptured: found.flatMap(({ notCaptured = [] }) => notCaptured),
    undecided: found.flatMap(({ undecided = [] }) => undecided),
  }
}

interface Mounted {
  readonly thing: Thing
  readonly lasts: boolean
}

/** One program is enough, and one that keeps it is better. */
function mountAt(writers: readonly Thing[], path: string): Mounted | undefined {
  const all = writers.flatMap((thing) =>
    thing.mounts.filter((mount) => mount.path === path).map(({ lasts }) => ({ thing, lasts })),
  )
  return all.find(({ lasts }) => lasts) ?? all[0]
}

function foundFolder({ name, what }: FilesShape, path: string, { thing, lasts }: Mounted): Found {
  const said = `${what} (${path} of ${wordsOf(thing)})`
  if (!lasts) return { components: {}, notCaptured: [{ what: said, why: 'they lie on no volume and go with the pod' }] }
  const component = { kind: 'files', path, reach: thing.reach }
  if (thing.reach !== undefined && thing.count === 1) return { components: { [name]: component } }
  const why =
    thing.reach === undefined
      ? 'Holdfast has no way into its pods'
      : `it has ${thing.count} pods, and the folder is read in one: name it`
  return { components: {}, undecided: [{ what: said, why, example: { [name]: component } }] }
}
