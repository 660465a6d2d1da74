import { Option, type Command as Commander } from 'commander'
import { acceptOption } from '../../ask/accept-option.ts'
import type { AcceptOptions } from '../../ask/import-acceptance.ts'

/** Of every import of dumps of PostgreSQL. */
export interface DumpOptions extends AcceptOptions {
  readonly component?: string
  readonly database?: string
  readonly withPasswords?: boolean
}

export function withDumpOptions(command: Commander): Commander {
  return command
    .option('--database <name>', 'the database to take from a dump of several')
    .option('--component <name>', 'the component it is for, when the app has several databases')
    .addOption(acceptOption('import'))
}

/** Of those that read what pg_dumpall wrote. */
export function passwordsOption(): Option {
  return new Option(
    '--with-passwords',
    'keep what pg_dumpall wrote of passwords; only roles that a restore makes get them',
  )
}
