import { Command as Commander } from 'commander'
import type { Cli, Outcome } from './cli.ts'
import { addBackup } from './commands/backup.ts'
import { addPoints } from './commands/points/points.ts'
import { addPrune } from './commands/points/prune.ts'
import { addRemove } from './commands/points/remove.ts'
import { addShow } from './commands/points/show.ts'
import { addVerify } from './commands/points/verify.ts'
import { addDrill } from './commands/points/drill.ts'
import { addKeep } from './commands/points/keep.ts'
import { addGuard } from './commands/restore/guard.ts'
import { addPause } from './commands/restore/pause.ts'
import { addRestore } from './commands/restore/restore.ts'
import { addResume } from './commands/restore/resume.ts'
import { addScratch } from './commands/restore/scratch.ts'
import { addUndo } from './commands/restore/undo.ts'
import { addGrants } from './commands/rights/grants.ts'
import { addKey } from './commands/rights/key.ts'
import { addOpenbao } from './commands/rights/openbao.ts'
import { addRights } from './commands/rights/rights.ts'
import { addCheck } from './commands/setup/check.ts'
import { addCompletion } from './commands/setup/completion.ts'
import { addInit } from './commands/setup/init.ts'
import { addSchedule } from './commands/setup/schedule.ts'
import { addStatus } from './commands/status.ts'
import { addExport } from './commands/transfer/export.ts'
import { addImport } from './commands/transfer/import.ts'
import { exitCodesText } from './ending.ts'
import type { CliPorts } from './cli-ports.ts'

type Add = (program: Commander, cli: Cli) => void

/** In the order of the help. */
const COMMANDS: readonly Add[] = [
  addInit,
  addCheck,
  addGrants,
  addRights,
  addOpenbao,
  addSchedule,
  addCompletion,
  addBackup,
  addPoints,
  addStatus,
  addShow,
  addVerify,
  addDrill,
  addRestore,
  addScratch,
  addPause,
  addResume,
  addGuard,
  addUndo,
  addPrune,
  addRemove,
  addKeep,
  addImport,
  addExport,
  addKey,
]

/** The command line. Each command loads what it calls when it runs, so that help is quick. */
export function makeProgram(ports: CliPorts, version: string, outcome: Outcome): Commander {
  const program = new Commander('holdfast')
    .description(
      'Back up, prove and restore an application: its database, its keys and its files as one restore point.',
    )
    .version(version)
    .option(
      '-c, --config <file>',
      'configuration file (default: $HOLDFAST_CONFIG, ./holdfast.yaml, /etc/holdfast/holdfast.yaml)',
    )
    .option('--json', 'print one JSON document to standard output')
    .option('-q, --quiet', 'print the result and failures only: no progress, no warnings')
    .addHelpText('after', exitCodesText())
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(holdfast help <command> tells more)')
    .configureOutput({ writeOut: ports.streams.out, writeErr: ports.streams.error })
    .exitOverride()
  for (const add of COMMANDS) add(program, { ports, outcome })
  return program
}
