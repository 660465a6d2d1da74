import { isAbsolute, resolve } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { lookAtProject, projectOfFile } from '../../../platforms/compose/look.ts'
import { composeSettings } from '../../../platforms/compose/schema.ts'
import { lookAtHost } from '../../../platforms/host/look.ts'
import { lookAtNamespace } from '../../../platforms/kubernetes/look/look.ts'
import type { Surroundings } from '../../../platforms/surroundings.ts'
import { processEnvironment } from '../../../system/environment.ts'
import { exists } from '../../../system/files/errno.ts'

/** Where to look for an app: one of namespace, compose and host, and what belongs to it. */
export interface AskedPlace {
  readonly namespace?: string
  readonly kubeconfig?: string
  readonly context?: string
  /** The name of a project, or the path of a compose file. */
  readonly compose?: string
  readonly engine?: string
  readonly host?: boolean
}

const OWNERS = { kubeconfig: 'namespace', context: 'namespace', engine: 'compose' } as const

/** Fails with `usage` unless exactly one place is named. */
export function requireOnePlace(asked: AskedPlace): void {
  const { namespace, compose, host } = asked
  const named = [namespace, compose, host === true ? true : undefined].filter((one) => one !== undefined)
  if (named.length !== 1)
    throw new Failure('usage', named.length === 0 ? '--profile needs a place' : '--profile takes one place', {
      hint: 'Add one of --namespace <name>, --compose <project or file> and --host.',
    })
  for (const [option, owner] of Object.entries(OWNERS))
    if (asked[option as keyof typeof OWNERS] !== undefined && asked[owner] === undefined)
      throw new Failure('usage', `--${option} is for --${owner}`, { hint: `Leave it out, or add --${owner}.` })
}

/** Looks around at the place. Changes nothing. */
export async function lookThere(asked: AskedPlace, context: Context): Promise<Surroundings> {
  const { namespace, compose, engine } = asked
  if (namespace !== undefined) {
    const kubeconfig = await kubeconfigOf(asked)
    return await lookAtNamespace({ namespace, kubeconfig, context: asked.context }, context)
  }
  if (compose === undefined) return await lookAtHost(context)
  const address = { engine: engine ?? composeSettings.shape.engine.parse(undefined) }
  const isFile = /[/\\]|\.ya?ml$/.test(compose)
  const project = isFile ? await projectOfFile(resolve(compose), address, context) : compose
  return await lookAtProject({ project, ...address }, context)
}

/** As kubectl looks for it; undefined within a cluster, where the service account is used. */
async function kubeconfigOf({ kubeconfig }: AskedPlace): Promise<string | undefined> {
  const { variables } = processEnvironment()
  if (kubeconfig !== undefined) return resolve(kubeconfig)
  const [named] = (variables['KUBECONFIG'] ?? '').split(':')
  if (named !== undefined && named !== '') return resolve(named)
  const usual = resolve(variables['HOME'] ?? '/', '.kube', 'config')
  return isAbsolute(usual) && (await exists(usual)) ? usual : undefined
}
