import { z } from 'zod'
import { storageKindOf } from '../../storage/all.ts'
import { secretsIn } from '../mistakes/find-warnings.ts'
import { spellPath, type Path } from '../mistakes/problems.ts'
import { memberOf } from '../mistakes/value-at.ts'

/** What a configuration refers to and does not hold. */
export interface Needed {
  readonly kind: 'variable' | 'file'
  /** The name of the variable, or the path of the file. */
  readonly what: string
  /** Where it is referred to, for example `apps.portal.components.database.password`. */
  readonly from: string
}

/**
 * Settings of components that name a file, or a folder of programs, which has to be there. What a restore makes is none of
 * them. A kind of storage says its own.
 */
const FILES = ['ca', 'tlsCa', 'kubeconfig', 'tokenFile', 'toolsFolder', 'serverProgram']
const partOfFile = z.union([
  z.object({ file: z.string(), variable: z.string() }),
  z.object({ file: z.string(), yamlKey: z.unknown().refine((key) => key !== undefined) }),
])
const reference = z.object({ from: z.union([z.object({ file: z.string() }), z.object({ env: z.string() })]) })

/** All that has to be beside a configuration. `parsed` is the parsed file. */
export function neededBeside(parsed: unknown): readonly Needed[] {
  const secrets = secretsIn(parsed, []).flatMap(([path, secret]) => ofReference(secret.toString(), path))
  return [...secrets, ...filesIn(parsed, [])]
}

function ofReference(text: string, path: Path): readonly Needed[] {
  const from = spellPath(path)
  if (text.startsWith('env:')) return [{ kind: 'variable', what: text.slice('env:'.length), from }]
  // Of an environment file, what stands before the name of the variable.
  const file = /^(?:file:(.+)|envfile:(.+)#[^#]*)$/s.exec(text)
  return file === null ? [] : [{ kind: 'file', what: file[1] ?? file[2] ?? '', from }]
}

function filesIn(value: unknown, path: Path): readonly Needed[] {
  if (typeof value !== 'object' || value === null) return []
  // A restore makes a file that it has whole, and not one of which it has single values.
  const part = partOfFile.safeParse(value)
  if (part.success) return ofReference(`file:${part.data.file}`, path)
  const named = reference.safeParse(value)
  if (named.success) {
    const { from } = named.data
    return ofReference('file' in from ? `file:${from.file}` : `env:${from.env}`, path)
  }
  const files: readonly string[] = storageKindOf(memberOf(value, 'url'))?.files ?? FILES
  return Object.entries(value).flatMap(([name, member]): readonly Needed[] => {
    const here = [...path, Array.isArray(value) ? Number(name) : name]
    if (typeof member !== 'string') return filesIn(member, here)
    return files.includes(name) && member.startsWith('/') ? [{ kind: 'file', what: member, from: spellPath(here) }] : []
  })
}
