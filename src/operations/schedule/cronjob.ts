import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { Failure } from '../../core/failure.ts'
import { argumentsOf, MARK, type ExportedFile, type ScheduledJob } from './job.ts'

/** Where and how Holdfast runs in a cluster. */
export interface ClusterPlace {
  /** That of each app when absent. */
  readonly namespace?: string | undefined
  readonly image: string
  readonly serviceAccount: string
  /** Folders of the pod, each of a claim, a Secret or a ConfigMap. */
  readonly mounts: readonly Mount[]
  /** Secrets whose keys become variables. */
  readonly environmentFrom: readonly string[]
  /** In one of the mounts. */
  readonly configPath: string
}

export interface Mount {
  readonly kind: 'claim' | 'secret' | 'configmap'
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/** A name of a CronJob has room for the eleven characters that its Jobs add. */
const LONGEST = 52
/** A run that was missed is made up for within this time, and given up after it. */
const [DEADLINE_SECONDS, HISTORY] = [6 * 3600, 7]

/** One file with a CronJob for each job. `Forbid`: a second run never starts beside one that still runs. */
export function cronJobFile(jobs: readonly ScheduledJob[], place: ClusterPlace): ExportedFile {
  const texts = jobs.map((job) => {
    const name = nameOf(job)
    const namespace = namespaceOf(job, place)
    const create = `kubectl -n ${namespace} create job --from=cronjob/${name} ${name}-$(date +%s)`
    return `# Run it now:  ${create}\n${stringify(manifestOf(job, { name, namespace }, place), { lineWidth: 0 })}`
  })
  return { name: 'holdfast-cronjobs.yaml', text: `${MARK}\n${texts.join('---\n')}` }
}

interface Named {
  readonly name: string
  readonly namespace: string
}

function namespaceOf({ app, namespace }: ScheduledJob, place: ClusterPlace): string {
  const found = place.namespace ?? namespace
  if (found !== undefined) return found
  throw new Failure('usage', `in which namespace is ${app} to run?`, { hint: 'Give --namespace.' })
}

function nameOf({ command, app }: ScheduledJob): string {
  const name = `holdfast-${command}-${app}`
  if (name.length <= LONGEST) return name
  const short = createHash('sha256').update(name).digest('hex').slice(0, 7)
  return `${name.slice(0, LONGEST - short.length - 1).replace(/-+$/, '')}-${short}`
}

function manifestOf(job: ScheduledJob, named: Named, place: ClusterPlace): unknown {
  const labels = {
    'app.kubernetes.io/name': 'holdfast',
    'app.kubernetes.io/component': job.command,
    'app.kubernetes.io/instance': job.app,
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { ...named, labels },
    spec: {
      schedule: job.cron,
      timeZone: job.timezone,
      suspend: job.suspended,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: DEADLINE_SECONDS,
      successfulJobsHistoryLimit: HISTORY,
      failedJobsHistoryLimit: HISTORY,
      // A failed run is told and looked at; the next one is by the schedule.
      jobTemplate: { spec: { backoffLimit: 0, template: { metadata: { labels }, spec: podOf(job, place) } } },
    },
  }
}

function podOf(job: ScheduledJob, place: ClusterPlace): unknown {
  const mounts = [...place.mounts.map(({ path }) => path), '/tmp']
  const user = 65_532
  return {
    restartPolicy: 'Never',
    serviceAccountName: place.serviceAccount,
    // What the restricted pod standard asks for.
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'holdfast',
        image: place.image,
        command: ['holdfast', ...argumentsOf(job)],
        env: [
          { name: 'HOLDFAST_CONFIG', value: place.configPath },
          { name: 'HOME', value: '/tmp' },
        ],
        envFrom: place.environmentFrom.map((secret) => ({ secretRef: { name: secret } })),
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: mounts.map((mountPath, index) => ({ name: `volume-${index}`, mountPath })),
      },
    ],
    volumes: [...place.mounts.map(sourceOf), { emptyDir: {} }].map((source, index) => ({
      name: `volume-${index}`,
      ...source,
    })),
  }
}

function sourceOf({ kind, name }: Mount): Readonly<Record<string, unknown>> {
  if (kind === 'claim') return { persistentVolumeClaim: { claimName: name } }
  return kind === 'secret' ? { secret: { secretName: name } } : { configMap: { name } }
}
