import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Surroundings } from '../../../platforms/surroundings.ts'
import { profileNamed, profileNames, templateNames } from '../../../profiles/all.ts'
import type { Profile, Template } from '../../../profiles/profile.ts'
import { parseDatabaseUrl } from '../../../core/texts/database-url.ts'
import { readVariable } from '../../../system/environment-file.ts'
import { exists } from '../../../system/files/errno.ts'
import type { Draft } from './draft.ts'
import { settingsText } from './draft-text.ts'
import { findApp } from './find-app.ts'
import { matchesAny } from './match.ts'
import { unlike } from './recognise.ts'
import { lookThere, requireOnePlace, type AskedPlace } from './where.ts'

/** What is to be found, and where. */
export interface AskedApp extends AskedPlace {
  readonly profile: string
}

/**
 * Looks for the app of a profile at the place that is named. Fails with `usage` for a wrong order, and with `notFound` or
 * `refused` where the place does not hold that app. Changes nothing.
 */
export async function planFound({ profile: name, ...place }: AskedApp, context: Context): Promise<Draft> {
  const profile = profileNamed(name)
  if (profile === undefined)
    throw new Failure('usage', `there is no profile ${JSON.stringify(name)}`, {
      hint: `There is: ${profileNames.join(', ')}.`,
    })
  requireOnePlace(place)
  const template = place.host === true ? templateFor(profile) : undefined
  const around = await lookThere(place, context)
  return template === undefined ? await findApp(profile, around, context) : await onHost(profile, template, around)
}

function templateFor({ name, template }: Profile): Template {
  if (template !== undefined) return template
  throw new Failure('unsupported', `nothing is known of ${name} on a host without containers`, {
    hint: `--host is there for ${templateNames.join(', ')}. For others begin with holdfast init.`,
  })
}

async function onHost(profile: Profile, template: Template, around: Surroundings): Promise<Draft> {
  const { units } = profile.shape
  const found = units.flatMap((unit) => around.things.filter(({ name }) => matchesAny([unit], name)))
  const { environmentFile, databaseUrl } = template
  const hasFile = await exists(environmentFile)
  if (found.length === 0 && !hasFile)
    throw unlike(profile, around, `has no ${profile.name}`, `units ${units.join(', ')}; file ${environmentFile}`)
  const hasUrl = databaseUrl !== undefined && holdsUrl(environmentFile, databaseUrl)
  const platform = { ...around.settings, ...around.pausing(found) }
  return {
    app: profile.name,
    profile: profile.name,
    place: around.place,
    text: template.text({ environmentFile, hasUrl }) + settingsText(profile.name, platform),
    notCaptured: [],
    undecided: [
      ...(hasFile
        ? []
        : [{ what: environmentFile, why: 'this host has no such file; name that of the app in its place' }]),
      ...(found.length > 0
        ? []
        : [
            {
              what: 'units of systemd',
              why: `none of ${units.join(', ')} is there; name those that write to the data`,
            },
          ]),
    ],
  }
}

/** Whether the app's own file has the URL of its database, in a form that can be read. */
export function holdsUrl(file: string, name: string): boolean {
  try {
    return parseDatabaseUrl(readVariable(file, name)) !== undefined
  } catch {
    return false
  }
}
