import { OF_PROFILES } from './of-profiles.ts'

/** Parts of the page that the session of json-output.test.ts does not bring about. */
export const ELSEWHERE = [
  // Needs a point that lacks something; src/operations/restore/lacking.test.ts has one.
  'restoreReport.missing[]',
  // A folder repository has nothing to remark or to find; an S3 server has.
  'init.report.findings[]',
  // test/e2e/init-from.test.ts prints these.
  'init.report.from?',
  'init.report.from?[]',
  'init.report.from?[].app',
  'init.report.from?[].point',
  'init.report.from?[].created',
  ...OF_PROFILES,
  // Need a repository that was added to another; test/e2e/added-repository.test.ts adds some.
  'init.report.copiedIdentities[]',
  'init.report.copiedIdentities[].repository',
  'init.report.copiedIdentities[].name',
  'init.report.copiedIdentities[].recipient',
  // test/e2e/backup-if-changed.test.ts looks more than once.
  'backup --dry-run.plan.changed?',
  'backup --if-changed.changes.until?',
  'backup --dry-run.plan.unopenable?',
  'backup --dry-run.plan.unopenable?[]',
  'backup.report.repositories[].remarks[]',
  'import.report.repositories[].remarks[]',
  'kleidiaImported.made?.repositories[].remarks[]',
  // Needs a repository that fails.
  'kleidiaImported.made?.repositories[].failure?',
  'import.report.repositories[].failure?',
  'import dumps.report.dumps[].made?.repositories[].failure?',
  'import dumps.report.dumps[].made?.repositories[].remarks[]',
  // test/integration/postgres-definition-diffs.test.ts makes such a difference.
  'difference.diff?',
  'difference.diff?[]',
  // Only an app in Kubernetes has it; src/operations/fixed-platform.test.ts has a stand-in.
  'backup --dry-run.plan.platform?',
  'pause --dry-run.plan.platform?',
  'restorePlan.platform?',
  'undoPlan.platform?',
  'restore --abandon.abandoned.platform?',
  // Needs a server that refuses to drop the previous database.
  'prune.forgotten[].failure?',
  // test/integration/openbao-cli.test.ts prints these.
  ...[
    '',
    '.report',
    '.report.app',
    '.report.point',
    '.report.component',
    '.report.forced',
    '.report.safetyPoint',
    '.report.state',
  ].map((rest) => `openbao snapshot-restore${rest}`),
  // test/integration/openbao-cli.test.ts and kubernetes-cli.test.ts print these.
  ...['openbao', 'kubernetes'].flatMap((kind) =>
    ['', '.rights', '.rights[]', '.rights[].of', '.rights[].text'].map((rest) => `rights ${kind}${rest}`),
  ),
  // Need a repository that takes no safety point; src/operations/restore/safety-point/safety-preflight.test.ts has some.
  'restorePlan.safetyFindings?',
  'restorePlan.safetyFindings?[]',
  // Needs a component that cannot be left running (OpenBao); src/operations/scratch/restore.test.ts plans with one.
  'restorePlan.leftOut?',
  'restorePlan.leftOut?[]',
  // Needs a file whose header lacks claims; src/interop/kleidia-v1/read.test.ts opens such files.
  'kleidiaOpened.remarks[]',
  // Need a restore that died; test/crash/guard-killed.test.ts kills one.
  'resume.report.settles?',
  'resume --dry-run.plan.settles?',
  // src/operations/pause/window.test.ts plans with windows.
  'plannedWindow.next?',
  'restorePlan.window?',
  'restorePlan.outsideWindow?',
  'undoPlan.window?',
  'backup --dry-run.plan.window?',
  'backup --dry-run.plan.outsideWindow?',
  'guard.apps[].settled?',
  'guard.apps[].settled?.restoreId',
  'guard.apps[].settled?.how',
  'guard.apps[].failure?',
  'guard.apps[].failure?.kind',
  'guard.apps[].failure?.message',
  'guard.apps[].failure?.hint?',
  // Needs a workload that cannot be started; src/operations/pause/capture-window.test.ts has one.
  'backup.report.notResumed?',
  // Needs a server that went back; src/operations/lineage/went-back.test.ts and test/e2e/went-back.test.ts have one.
  'backup.report.alarms[]',
  // Needs a repository that cannot be read, and days without a backup; src/operations/status/status.test.ts has them.
  'status.apps[].reasons[].repository?',
  'status.apps[].reasons[].count?',
  // Needs data that names files; src/profiles/certctl/key-fit.test.ts has it.
  'keyFit.outside?',
  'keyFit.outside?[]',
  // Need a repository that takes no proof; test/e2e/bad-input-full-disk.test.ts has one.
  'verify.report.recordingFailure?',
  'verify.report.keptHere?',
  'drill.report.recordingFailure?',
  'drill.report.keptHere?',
  // Needs a point that cannot be opened; test/e2e/bad-input-repository.test.ts has one.
  'show.failure?',
  // Needs a labelled point that nothing protects; src/operations/backup/note.test.ts has one.
  'removePlan.note?',
  // Needs a throw-away target that cannot be removed; src/operations/drill/drill.test.ts has one.
  'drill.report.cleanupFailure?',
  // Needs an archive that is whole and that its tool cannot read.
  'verify.report.examined[].failure?',
]
