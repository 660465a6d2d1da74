import type { Context } from '../../../core/ports.ts'
import { Failure } from '../../../core/failure.ts'
import { platforms } from '../../../platforms/all.ts'
import type { Surroundings, Thing } from '../../../platforms/surroundings.ts'
import type { Profile } from '../../../profiles/profile.ts'
import { databaseComponents, reachOf } from './database.ts'
import { withDisposable } from './disposable-tables.ts'
import type { Draft, Found, Remark, Undecided } from './draft.ts'
import { draftText } from './draft-text.ts'
import { folderComponents } from './folders.ts'
import { keysInCluster } from './keys-in-cluster.ts'
import { keysInFiles } from './keys-in-files.ts'
import { recognise, wordsOf, type Recognised } from './recognise.ts'

/** The app of a profile among containers, as a part of a configuration. Changes nothing. */
export async function findApp(profile: Profile, around: Surroundings, context: Context): Promise<Draft> {
  const recognised = recognise(profile, around)
  const isCluster = around.settings['kind'] === 'kubernetes'
  const keys = isCluster ? keysInCluster(profile, around, recognised) : await keysInFiles(profile, around)
  const parts = [
    await findDatabase(profile, around, recognised.database, context),
    keys,
    folderComponents(profile, recognised),
    others(recognised),
  ]
  const found: Found = {
    components: Object.assign({}, ...parts.map(({ components }) => components)),
    keyFit: parts.flatMap(({ keyFit = [] }) => keyFit),
    notCaptured: parts.flatMap(({ notCaptured = [] }) => notCaptured),
    undecided: parts.flatMap(({ undecided = [] }) => undecided),
  }
  const platform = { ...around.settings, ...around.pausing(recognised.writers) }
  return {
    // A profile for any app has no name of its own.
    app: profile.name === 'generic' ? around.name : profile.name,
    profile: profile.name,
    place: around.place,
    text: draftText({ profile: profile.name, platform, found }),
    notCaptured: [...(found.notCaptured ?? [])],
    undecided: (found.undecided ?? []).map(({ what, why }): Remark => ({ what, why })),
  }
}

async function findDatabase(
  profile: Profile,
  { settings }: Surroundings,
  thing: Thing,
  context: Context,
): Promise<Found> {
  const platform = platforms.find(({ kind }) => kind === settings['kind'])
  if (platform?.inside === undefined) throw new Failure('bug', `no containers of platform ${String(settings['kind'])}`)
  const { inside } = platform
  const place = await inside.find(platform.settings.parse(settings), inside.reach.parse(reachOf(thing)), context)
  return await withDisposable(profile, settings, await databaseComponents(profile, thing, place, context), context)
}

/** What has no component: on purpose, or because it needs something that only the operator has. */
function others({ openbao, writers, disposable }: Recognised): Found {
  const undecided: Undecided[] = openbao === undefined ? [] : [ofOpenbao(openbao)]
  const lost = writers.flatMap((writer) => writer.starters.filter(({ namespace }) => namespace === undefined))
  const unknown = [...new Set(lost.map(({ kind, name }) => `${kind} ${name}`))]
  return {
    components: {},
    notCaptured: disposable.map(({ thing, why }) => ({ what: wordsOf(thing), why })),
    undecided: [
      ...undecided,
      ...unknown.map((what) => ({
        what,
        why: 'labels say that it starts the workloads again, and it was not found; name it with its namespace under suspends of the platform',
      })),
    ],
  }
}

function ofOpenbao(thing: Thing): Undecided {
  const { name, reach } = thing
  return {
    what: `the secrets in ${wordsOf(thing)}`,
    why: 'Holdfast needs a login of its own there: holdfast rights openbao prints its policy. Restore points do not hold them until then',
    example: {
      openbao: { kind: 'openbao', address: `http://${name}:8200`, reach, token: 'file:/etc/holdfast/openbao.token' },
    },
  }
}
