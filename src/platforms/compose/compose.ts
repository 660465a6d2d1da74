import type { Platform } from '../platform.ts'
import { checkProject } from './check.ts'
import { withEngine } from './engine/client.ts'
import { findContainer } from './find.ts'
import { refuseOwnDatabase } from './own-database.ts'
import { hostFolder } from './mounts.ts'
import { composeRightsText } from './rights.ts'
import { spawnContainer, spawnWithVolumes } from './spawn.ts'
import { refuseOurselves } from './ourselves.ts'
import { pauseWorkload } from './pause.ts'
import { containersOf } from './project.ts'
import { resumeWorkload } from './resume.ts'
import { composeReach, composeSettings, type ComposeReach, type ComposeSettings } from './schema.ts'
import { runningOf } from './workloads.ts'

/** Workloads are the containers of services of a compose project, named `<service>-<number>`. */
export const composePlatform: Platform<ComposeSettings, ComposeReach> = {
  kind: 'compose',
  settings: composeSettings,
  async running(settings, context) {
    if (settings.services.length === 0) return []
    return await withEngine(settings, async (engine) => {
      const running = runningOf(await containersOf(settings, engine, context), settings)
      await refuseOurselves(running)
      return running.map(({ workload }) => workload)
    })
  },
  pause: (settings, workload, context) =>
    withEngine(settings, (engine) => pauseWorkload(settings, workload, engine, context)),
  resume: (settings, workload, context) =>
    withEngine(settings, (engine) => resumeWorkload(settings, workload, engine, context)),
  async protect(settings, reaches) {
    refuseOwnDatabase(settings, reaches)
  },
  check: (settings, reaches, context) => checkProject(settings, reaches, context),
  rights: (_settings, reaches, purpose) =>
    Promise.resolve(
      composeRightsText(
        purpose,
        reaches.some(({ holds }) => holds === 'files'),
      ),
    ),
  inside: {
    reach: composeReach,
    describe: ({ project }, { service }) => `service ${service} of compose project ${project}`,
    find: findContainer,
    spawn: spawnContainer,
    spawnWithVolumes,
    hostFolder,
  },
}
