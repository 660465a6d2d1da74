import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { schedulesSetting } from '../../src/config/schedules-schema.ts'
import { isFailure } from '../../src/core/failure.ts'
import { exportSchedules, type ScheduleTarget } from '../../src/operations/schedule/export.ts'
import { writeExported } from '../../src/operations/schedule/write.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { startKubernetes } from '../parts/kubernetes.ts'

const run = promisify(execFile)
const kubernetes = await startKubernetes()
const schedules = schedulesSetting.parse({
  backup: { cron: '0 2 * * *', timezone: 'Europe/Berlin', jitter: '10m' },
  drill: { cron: '30 4 1,15 * sun', timezone: 'Europe/Berlin' },
  prune: { cron: '*/20 1-3 * jan-mar mon-fri', suspended: true },
  guard: { cron: '* * * * *' },
})
const apps = [{ name: 'portal', schedules }]
const cluster = { kind: 'cronjob', image: 'holdfast.test/holdfast:1', serviceAccount: 'holdfast' } as const
const mounts = [
  { kind: 'configmap', name: 'holdfast', path: '/etc/holdfast' },
  { kind: 'secret', name: 'holdfast-keys', path: '/etc/holdfast-keys' },
  { kind: 'claim', name: 'holdfast-state', path: '/var/lib/holdfast' },
] as const
const host = { executable: '/usr/bin/env', configPath: '/etc/holdfast/hold $fast%.yaml' }

test('the API server takes the CronJobs in a namespace that enforces the restricted standard, and keeps what they say', async () => {
  const namespace = await kubernetes.namespace()
  await kubernetes.must('PUT', `/api/v1/namespaces/${namespace}`, {
    metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  })
  const place = {
    ...cluster,
    namespace,
    mounts,
    environmentFrom: ['holdfast'],
    configPath: '/etc/holdfast/holdfast.yaml',
  }
  const long = { name: 'p'.repeat(63), schedules }
  const [file] = exportSchedules([...apps, long], place)
  const jobs = parseAllDocuments(file?.text ?? '').map((document) => document.toJS() as CronJob)
  assert.equal(jobs.length, 8)
  for (const job of jobs)
    await kubernetes.must(
      'POST',
      `/apis/batch/v1/namespaces/${namespace}/cronjobs?dryRun=All&fieldValidation=Strict`,
      job,
    )
  // The standard is about pods, and a CronJob is only warned of: the pod itself is tried.
  const [first] = jobs
  const pod = { metadata: { name: 'tried' }, spec: first?.spec.jobTemplate.spec.template.spec }
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'holdfast' } })
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`, pod)
  const said = jobs.slice(0, 4).map(({ metadata, spec }) => [metadata.name, spec.schedule, spec.timeZone, spec.suspend])
  assert.deepEqual(said, [
    ['holdfast-backup-portal', '0 2 * * *', 'Europe/Berlin', false],
    ['holdfast-drill-portal', '30 4 1,15 * sun', 'Europe/Berlin', false],
    ['holdfast-prune-portal', '*/20 1-3 * jan-mar mon-fri', 'UTC', true],
    ['holdfast-guard-portal', '* * * * *', 'UTC', false],
  ])
  for (const { spec } of jobs) {
    assert.equal(spec.concurrencyPolicy, 'Forbid')
    assert.deepEqual([spec.successfulJobsHistoryLimit, spec.failedJobsHistoryLimit], [7, 7])
  }
  assert.deepEqual(pod.spec?.containers[0]?.command, ['holdfast', 'backup', 'portal', '--jitter', '600s'])
})

interface CronJob {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly schedule: string
    readonly timeZone: string
    readonly suspend: boolean
    readonly concurrencyPolicy: string
    readonly successfulJobsHistoryLimit: number
    readonly failedJobsHistoryLimit: number
    readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: PodSpec } } }
  }
}
interface PodSpec {
  readonly containers: readonly { readonly command: readonly string[] }[]
}

const noSystemd = existsSync('/usr/bin/systemd-analyze') ? false : 'systemd is not installed'

test('systemd finds nothing wrong with the units, and its times are those of cron', { skip: noSystemd }, async () => {
  await withTemporaryFolder(async (folder) => {
    const paths = await writeExported(folder, exportSchedules(apps, { kind: 'systemd', ...host, user: 'root' }))
    const { stdout, stderr } = await run('systemd-analyze', ['verify', ...paths])
    assert.equal(stdout + stderr, '')
    const timer = await readFile(join(folder, 'holdfast-drill-portal.timer'), 'utf8')
    const times = [...timer.matchAll(/^OnCalendar=(.*)$/gm)].map(([, time = '']) => time)
    // The first of December 2026 is a Tuesday; cron runs on Sundays, and on the first and the fifteenth.
    assert.deepEqual(await nextOf(times, 4), [
      '2026-12-06T03:30:00Z',
      '2026-12-13T03:30:00Z',
      '2026-12-15T03:30:00Z',
      '2026-12-20T03:30:00Z',
    ])
    const prune = await readFile(join(folder, 'holdfast-prune-portal.timer'), 'utf8')
    const [, weekdays = ''] = /^OnCalendar=(.*)$/m.exec(prune) ?? []
    assert.deepEqual(await nextOf([weekdays], 10), [
      ...['01:00', '01:20', '01:40', '02:00', '02:20', '02:40', '03:00', '03:20', '03:40'].map(
        (t) => `2027-01-01T${t}:00Z`,
      ),
      '2027-01-04T01:00:00Z',
    ])
  })
})

/** The first that systemd says of all, after the first of December 2026 at noon. */
async function nextOf(times: readonly string[], count: number): Promise<readonly string[]> {
  const found: string[] = []
  for (const time of times) {
    const args = ['calendar', '--base-time=2026-12-01 12:00 UTC', `--iterations=${count}`, time]
    const { stdout } = await run('systemd-analyze', args, { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } })
    const lines = stdout.matchAll(/(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w+ (\S+) (\S+) UTC$/gm)
    for (const [, day, clock] of lines) found.push(`${day}T${clock}Z`)
  }
  return [...new Set(found)].toSorted().slice(0, count)
}

test('cron runs by the clock of the machine, and a zone that is another is refused', () => {
  const berlin = { kind: 'cron', ...host, configPath: '/etc/holdfast/holdfast.yaml', zone: 'Europe/Berlin' } as const
  const nightly = { backup: { cron: '0 2 * * *', timezone: 'Europe/Berlin', jitter: '10m' } }
  const inBerlin = { name: 'portal', schedules: schedulesSetting.parse(nightly) }
  const [file] = exportSchedules([inBerlin], berlin)
  assert.match(
    file?.text ?? '',
    /^0 2 \* \* \* root HOLDFAST_CONFIG=\/etc\/holdfast\/holdfast\.yaml \/usr\/bin\/env backup portal --jitter 600s --quiet$/m,
  )
  assert.throws(
    () => exportSchedules(apps, berlin),
    (error) => isFailure(error, 'unsupported'),
  )
  const odd: ScheduleTarget = { ...berlin, configPath: host.configPath }
  assert.throws(
    () => exportSchedules([inBerlin], odd),
    (error) => isFailure(error, 'usage'),
  )
  assert.throws(
    () => exportSchedules([{ name: 'other' }], berlin),
    (error) => isFailure(error, 'notFound'),
  )
})

test('an export replaces what an earlier one wrote, and writes nothing where a file is of somebody else', async () => {
  await withTemporaryFolder(async (folder) => {
    const files = exportSchedules(apps, { kind: 'systemd', ...host })
    await writeExported(folder, files)
    await writeExported(folder, files)
    await writeFile(join(folder, 'holdfast-guard-portal.timer'), '[Timer]\n')
    await writeFile(join(folder, 'holdfast-backup-portal.timer'), `${files[1]?.text}# changed\n`)
    await assert.rejects(writeExported(folder, files), (error) => isFailure(error, 'refused'))
    assert.match(await readFile(join(folder, 'holdfast-backup-portal.timer'), 'utf8'), /# changed/)
    assert.equal((await readdir(folder)).length, files.length)
  })
})
