import { Option, type Command as Commander } from 'commander'
import { acceptOption } from './ask/accept-option.ts'
import { common, run, type Outcome } from './program-run.ts'
import type { World } from './world.ts'

/** What other programs wrote and read: dumps of PostgreSQL, and backups of Kleidia. */
export function addDumpCommands(program: Commander, world: World, outcome: Outcome): void {
  const imports = program.command('import').description('take over dumps and backups that other programs made')
  addKleidiaImport(imports, world, outcome)
  addManyImport(imports, world, outcome)
  for (const [format, description] of [
    ['sql', 'import the plain SQL of pg_dump or pg_dumpall, also compressed with gzip, zstd or LZ4'],
    ['custom', 'import a dump of pg_dump --format=custom'],
    ['directory', 'import a folder of pg_dump --format=directory'],
  ] as const) {
    const one = withDumpOptions(imports.command(`${format} <dump> [app]`).description(description))
    if (format === 'sql') one.addOption(withPasswords())
    one.action(async (path, app, options, command) => {
      const { importDump } = await import('./commands/transfer/import.ts')
      outcome.exitCode = await run(world, command, (given) => importDump(given, format, { path, app }, options))
    })
  }
  const exports = program
    .command('export <point>')
    .description('write the database of a restore point as an ordinary dump, restored and compared before')
    .addOption(
      new Option('--format <format>', 'what to write').choices(['custom', 'sql', 'directory']).default('custom'),
    )
    .requiredOption('-o, --output <path>', 'the file or folder to make; nothing is replaced')
    .option('--app <app>', 'the app, when there are several')
    .option('--component <name>', 'the component, when the app has several databases')
    .addOption(acceptOption('export'))
    .action(async (point, options, command) => {
      const { exportDump } = await import('./commands/transfer/export.ts')
      outcome.exitCode = await run(world, command, (given) => exportDump(given, point, options))
    })
  exports
    .command('kleidia-v1 <point>')
    .description('write database and secrets of a restore point as a weak KLEIDIA_BACKUP_V1 file')
    .option('--mount <path>', 'the KV mount to take, when the point has secrets in several')
    .addHelpText('after', '\nTakes --output, --app and --component like holdfast export. The password is asked twice.')
    .action(async (point, _options, command) => {
      const { exportKleidiaV1 } = await import('./commands/transfer/export-kleidia.ts')
      const options = command.optsWithGlobals()
      outcome.exitCode = await run(world, command, (given) => exportKleidiaV1(given, point, options))
    })
}

function withDumpOptions(command: Commander): Commander {
  return command
    .option('--database <name>', 'the database to take from a dump of several')
    .option('--component <name>', 'the component it is for, when the app has several databases')
    .addOption(acceptOption('import'))
}

function withPasswords(): Option {
  return new Option(
    '--with-passwords',
    'keep what pg_dumpall wrote of passwords; only roles that a restore makes get them',
  )
}

/** Years of dumps, in whatever formats. */
function addManyImport(imports: Commander, world: World, outcome: Outcome): void {
  const many = imports
    .command('dumps <folder> [app]')
    .description('make a restore point of each dump in a folder, the oldest first')
    .addHelpText(
      'after',
      '\n<folder> is a folder with all below it, or how the paths of several dumps begin. What was imported before is passed over.',
    )
  withDumpOptions(many)
    .addOption(withPasswords())
    .action(async (where, app, options, command) => {
      const { importAllDumps } = await import('./commands/transfer/import-dumps.ts')
      outcome.exitCode = await run(world, command, (given) => importAllDumps(given, { where, app }, options))
    })
}

function addKleidiaImport(imports: Commander, world: World, outcome: Outcome): void {
  imports
    .command('kleidia-v1 <location> [app]')
    .description(
      'with an app, make a restore point of each KLEIDIA_BACKUP_V1 file; without one, list, verify or unpack',
    )
    .addHelpText(
      'after',
      '\n<location> is a file, a folder, or s3://bucket/prefix. What was imported before is passed over.',
    )
    .option('--verify', 'decrypt and read everything, and keep nothing')
    .option('--unpack <folder>', 'unpack each file into a folder of its name in this one: SQL and secrets in clear')
    .option('--mount <path>', 'the KV mount that the paths of the secrets belong to')
    .option(
      '--component <name>',
      'a component to import into, when there are several of its kind (may be repeated)',
      (name: string, names?: readonly string[]) => [...(names ?? []), name],
    )
    .addOption(acceptOption('import'))
    .option('--max-bytes <bytes>', 'refuse what grows beyond this (default: 64 GiB)')
    .option('--max-ratio <times>', 'refuse what grows beyond this many times its size (default: 200)')
    .option('--endpoint <url>', 'S3: the server, when it is not AWS; keys come from where the AWS tools look')
    .option('--region <region>', 'S3: the region')
    .option('--ca <file>', "S3: file with the CA certificates that sign the server's")
    .action(async (location, app, options, command) => {
      const { importKleidiaV1, importKleidiaInto } = await import('./commands/transfer/import-kleidia.ts')
      outcome.exitCode =
        app === undefined
          ? await importKleidiaV1(world, common(command), location, options)
          : await run(world, command, (given) => importKleidiaInto(given, { where: location, app }, options))
    })
}
