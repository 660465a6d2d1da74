import type { PlatformPurpose } from '../platform.ts'
import type { HostSettings } from './schema.ts'
import { systemctl } from './units.ts'

const PROGRAM = '/usr/bin/systemctl'

/**
 * The least rights as text that an administrator reads and installs: lines of sudoers with `sudo`, a rule of polkit otherwise. What
 * is started again by itself is in `units` too: `running` names it.
 */
export function hostRights(
  settings: HostSettings,
  units: readonly string[],
  purpose: PlatformPurpose,
  user: string,
): string {
  const acts = purpose === 'guardian' ? (['start'] as const) : (['stop', 'start'] as const)
  if (purpose === 'drill' || units.length === 0) return '# Nothing of this host is stopped or started.'
  return settings.sudo ? sudoers(units, acts, user) : polkit(units, acts, user)
}

type Acts = readonly ('stop' | 'start')[]

function sudoers(units: readonly string[], acts: Acts, user: string): string {
  const commands = units.flatMap((unit) =>
    acts.map((act) => systemctl({ sudo: false }, act, unit).slice(1).map(escaped).join(' ')),
  )
  return ['# /etc/sudoers.d/holdfast', ...commands.map((one) => `${user} ALL=(root) NOPASSWD: ${PROGRAM} ${one}`)].join(
    '\n',
  )
}

/** As sudoers(5) wants it in arguments. These are patterns, so a backslash is escaped once for the file and once for the pattern. */
const escaped = (word: string): string =>
  word.replaceAll('\\', String.raw`\\`).replaceAll(/[\\,:=]/g, (found) => `\\${found}`)

function polkit(units: readonly string[], acts: Acts, user: string): string {
  return `// /etc/polkit-1/rules.d/50-holdfast.rules
polkit.addRule(function (action, subject) {
  if (action.id !== 'org.freedesktop.systemd1.manage-units' || subject.user !== ${JSON.stringify(user)}) return
  var units = ${JSON.stringify(units)}
  var verbs = ${JSON.stringify(acts)}
  if (units.indexOf(action.lookup('unit')) >= 0 && verbs.indexOf(action.lookup('verb')) >= 0) return polkit.Result.YES
})`
}
