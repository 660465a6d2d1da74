import { Command as Commander, CommanderError, Option } from 'commander'
import { acceptOption } from './ask/accept-option.ts'
import { intoOption } from './ask/into-option.ts'
import { addDumpCommands } from './program-dumps.ts'
import { common, run, type Outcome } from './program-run.ts'
import type { World } from './world.ts'

const EXIT_CODES = `
Exit codes:
  0 done   2 usage   3 incomplete   10 not found   11 locked   12 denied   13 refused (unsafe)
  20 unreachable   21 a tool failed   30 corrupt   31 unsupported   70 bug   130 cancelled
`

/**
 * The command line. Each command loads its code when it runs, so that help and completion are quick.
 */
export function makeProgram(world: World, version: string, outcome: Outcome): Commander {
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
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(holdfast help <command> tells more)')
    .configureOutput({ writeOut: world.streams.out, writeErr: world.streams.error })
    .exitOverride()
  addSetUp(program, world, outcome)
  addBackupCommands(program, world, outcome)
  addRestoreCommands(program, world, outcome)
  addKeepingCommands(program, world, outcome)
  addDumpCommands(program, world, outcome)
  addKeyCommands(program, world, outcome)
  return program
}

/** Runs the program and gives the exit code; a usage error has already been printed by commander, for people. */
export async function runProgram(program: Commander, args: readonly string[], outcome: Outcome): Promise<number> {
  try {
    await program.parseAsync(spelledOut(program, args), { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    if (args.includes('--json')) program.configureOutput().writeOut?.(usageDocument(error))
    return 2
  }
}

/** Who reads JSON gets a document for a wrong command line too. */
function usageDocument({ message }: CommanderError): string {
  const hint = 'Run holdfast help, or holdfast help with the command.'
  return `${JSON.stringify({ error: { kind: 'usage', message: message.replace(/^error: |\.$/g, '').replaceAll('\n', ' '), hint, facts: {} } })}\n`
}

/** `help key export` as `key export --help`: commander's own help knows one level of commands only. */
function spelledOut(program: Commander, args: readonly string[]): readonly string[] {
  const [help, ...words] = args
  if (help !== 'help' || words.length === 0) return args
  const known: string[] = []
  let group: Commander = program
  for (const word of words) {
    const found = group.commands.find((command) => command.name() === word)
    // A group does nothing by itself, and commander says which word of it is not known.
    if (found === undefined) return [...known, word]
    known.push(word)
    if (found.commands.length === 0) break
    group = found
  }
  return [...known, '--help']
}

function withFromOptions(init: Commander): Commander {
  return init
    .option('--from <url>', 'on a new host: write the configuration that the restore points of this repository carry')
    .option('--at <point>', 'with --from: of latest (default), an id, or a time')
    .option(
      '--endpoint <url>',
      'with --from, S3: the server, when it is not AWS; keys come from where the AWS tools look',
    )
    .option('--region <region>', 'with --from, S3: the region')
    .option('--ca <file>', "with --from, S3: file with the CA certificates that sign the server's")
}

function addSetUp(program: Commander, world: World, outcome: Outcome): void {
  withFromOptions(program.command('init'))
    .description('write a starting configuration, make keys, and create its repositories')
    .option('--repository <url>', 'where restore points go: file:///srv/holdfast or s3://bucket/prefix')
    .addOption(
      new Option('--app <name>', 'begin with the components, checks and key proof of this app').choices([
        'certctl',
        'authentik',
        'zitadel',
      ]),
    )
    .option('--env-file <file>', 'where that app has its own settings, if not in the usual place')
    .option('--identity-file <file>', 'also write the private key to this file (mode 0600), for drills on this host')
    .option('--no-password', 'lock no private key into the repository; needs --identity-file')
    .addHelpText(
      'after',
      '\nRun it twice: once to get a configuration to edit, and again after editing to create the repositories it names.' +
        '\nA repository that is added later gets the private keys of the others of its app, after their password opened one.',
    )
    .action(async (options, command) => {
      outcome.exitCode = await (await import('./commands/init.ts')).init(world, common(command), options)
    })
  program
    .command('check [app]')
    .description('test everything a backup and a restore will need, and say what could not be tested')
    .action(async (app, _options, command) => {
      const { check } = await import('./commands/check.ts')
      outcome.exitCode = await run(world, command, (given) => check(given, app))
    })
  program
    .command('grants <purpose> [app]')
    .description('print the SQL that gives the configured roles exactly what a backup or a restore needs')
    .addHelpText(
      'after',
      '\n<purpose> is backup or restore. Nothing is changed; an administrator runs what is printed.',
    )
    .action(async (purpose, app, _options, command) => {
      const { grants } = await import('./commands/rights/grants.ts')
      outcome.exitCode = await run(world, command, (given) => grants(given, purpose, app))
    })
  const policies = program.command('policy').description('print the least rights that a server must give')
  for (const [name, kind, says] of [
    ['openbao', 'openbao', 'a policy in HCL for the openbao components of an app; purpose is capture or restore'],
    ['kubernetes', 'kubernetes-secrets', 'a Role for the kubernetes-secrets components; purpose is capture or restore'],
  ] as const)
    policies
      .command(`${name} <purpose> [app]`)
      .description(says)
      .action(async (purpose: string, app: string | undefined, _options: unknown, command: Commander) => {
        const { policy } = await import('./commands/rights/policy.ts')
        outcome.exitCode = await run(world, command, (given) => policy(given, kind, purpose, app))
      })
  addOpenbao(program, world, outcome)
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .action(async (shell) => {
      outcome.exitCode = (await import('./commands/completion.ts')).completion(world, program, shell)
    })
}

function addOpenbao(program: Commander, world: World, outcome: Outcome): void {
  program
    .command('openbao')
    .description('what only OpenBao has')
    .command('snapshot-restore [app]')
    .description('replace a whole OpenBao server by the raft snapshot of a restore point')
    .option('--at <point>', 'an id, a time, or latest', 'latest')
    .option('--repository <name>', 'read from this repository only')
    .option('--component <name>', 'which openbao component, where there are several')
    .option(
      '--unseal-keys-with <who>',
      'force it onto another cluster; names who keeps the unseal keys of the captured one',
    )
    .option('--no-safety-point', 'do not back up the live server first')
    .option('--dry-run', 'check everything, change nothing')
    .option('--yes', 'do not ask')
    .action(async (app, options, command) => {
      const { snapshotRestore } = await import('./commands/rights/openbao.ts')
      outcome.exitCode = await run(world, command, (given) => snapshotRestore(given, app, options))
    })
}

function addBackupCommands(program: Commander, world: World, outcome: Outcome): void {
  program
    .command('backup [app]')
    .description('make a restore point, read it back, and commit it')
    .option('--note <text>', 'say in one line what it is of; everybody who can read the repository can read it')
    .option('--hold', 'never prune it, until holdfast release')
    .option('-n, --dry-run', 'show what would be done')
    .addOption(acceptOption('backup'))
    .action(async (app, options, command) => {
      const { backup } = await import('./commands/backup.ts')
      outcome.exitCode = await run(world, command, (given) => backup(given, app, options), options.dryRun)
    })
  program
    .command('points [app]')
    .description('list restore points and how far each is proven')
    .action(async (app, _options, command) => {
      const { points } = await import('./commands/points/points.ts')
      outcome.exitCode = await run(world, command, (given) => points(given, app), true)
    })
  program
    .command('status [app]')
    .description('say whether each app is safe, why, and what to do next; the exit code is that of the worst')
    .option('--metrics', 'print the result as metrics in the text format of Prometheus')
    .action(async (app, options, command) => {
      const { status } = await import('./commands/status.ts')
      outcome.exitCode = await run(world, command, (given) => status(given, app, options), true)
    })
  program
    .command('show <point>')
    .description('show one restore point: latest, an id or its start, or a time')
    .option('--app <app>', 'the app, when there are several')
    .action(async (point, options, command) => {
      const { show } = await import('./commands/points/show.ts')
      outcome.exitCode = await run(world, command, (given) => show(given, point, options), true)
    })
  program
    .command('verify <point>')
    .description('read every byte of a restore point again, decrypt it, and have the real tools read the archives')
    .option('--app <app>', 'the app, when there are several')
    .option('--repository <name>', 'read from this repository only')
    .option('--sample <percent>', 'read only this share of the artifacts; a daily sample comes round to all')
    .action(async (point, options, command) => {
      const { verify } = await import('./commands/points/verify.ts')
      outcome.exitCode = await run(world, command, (given) => verify(given, point, options))
    })
  program
    .command('drill [app]')
    .description('restore into a throw-away target, compare, run the checks, destroy it, and sign the proof')
    .option('--at <point>', 'latest (default), an id, or a time')
    .option('--repository <name>', 'read from this repository only')
    .addOption(acceptOption('drill'))
    .option('--staged', 'use a side database on the configured server in place of a private one')
    .action(async (app, options, command) => {
      const { drill } = await import('./commands/points/drill.ts')
      outcome.exitCode = await run(world, command, (given) => drill(given, app, options))
    })
}

function addRestoreCommands(program: Commander, world: World, outcome: Outcome): void {
  program
    .command('restore [app]')
    .description('restore beside the live data, compare, then swap it in')
    .option('--at <point>', 'latest (default), an id or its start, or a time such as 2026-11-22T02:00Z')
    .addOption(
      new Option(
        '--target <how>',
        'where it goes: live by swap, staged and left, over the live data, or a throw-away copy to look at',
      )
        .choices(['swap', 'stage', 'in-place', 'scratch'])
        .default('swap'),
    )
    .option(
      '--component <name>',
      'only this component (may be repeated)',
      (name: string, names?: readonly string[]) => [...(names ?? []), name],
    )
    .addOption(intoOption())
    .addOption(acceptOption('restore'))
    .option('--repository <name>', 'read from this repository only')
    .option('--no-safety-point', 'do not back up the live data first')
    .option('--listen', 'scratch: let applications of this machine connect over the loopback, and print a URL for them')
    .option('-n, --dry-run', 'show the plan and stop')
    .option('-y, --yes', 'do not ask to type the name of the target')
    .option('--continue', 'finish a restore that was cut off or left staged; with the same --into as before')
    .option('--abandon', 'take such a restore back')
    .action(async (app, options, command) => {
      const { restore } = await import('./commands/restore/restore.ts')
      outcome.exitCode = await run(world, command, (given) => restore(given, app, options), options.dryRun)
    })
  addScratchCommands(program, world, outcome)
  program
    .command('undo [app]')
    .description('bring back the data that the last restore replaced')
    .option('--restore <id>', "undo this restore, wherever it went, in place of the newest of the app's own place")
    .option('--list', 'show what is retained for undo, with its size, and stop')
    .option('--forget <restore>', 'remove for good what this restore set aside')
    .option('-n, --dry-run', 'show the plan and stop')
    .option('-y, --yes', 'do not ask to type the name of the app')
    .action(async (app, options, command) => {
      const { undo } = await import('./commands/restore/undo.ts')
      outcome.exitCode = await run(world, command, (given) => undo(given, app, options), options.dryRun)
    })
}

function addScratchCommands(program: Commander, world: World, outcome: Outcome): void {
  const scratch = program.command('scratch').description('throw-away copies that restore --target scratch left running')
  scratch
    .command('list [app]')
    .description('list them, with how to look around in each')
    .action(async (app, _options, command) => {
      const { scratchList } = await import('./commands/restore/scratch.ts')
      outcome.exitCode = await run(world, command, (given) => scratchList(given, app), true)
    })
  scratch
    .command('remove <id>')
    .description('end and remove one')
    .action(async (id, _options, command) => {
      const { scratchRemove } = await import('./commands/restore/scratch.ts')
      outcome.exitCode = await run(world, command, (given) => scratchRemove(given, id))
    })
}

function addKeepingCommands(program: Commander, world: World, outcome: Outcome): void {
  program
    .command('prune [app]')
    .description('remove restore points by the retention rules, never the last good ones')
    .option('-n, --dry-run', 'show every verdict with its reasons and stop')
    .addOption(acceptOption('prune'))
    .action(async (app, options, command) => {
      const { prune } = await import('./commands/points/prune.ts')
      outcome.exitCode = await run(world, command, (given) => prune(given, app, options), options.dryRun)
    })
  program
    .command('remove <point>')
    .description('remove one restore point by its id, if nothing protects it')
    .option('--repository <name>', 'from this repository only')
    .option('--now', 'free its space at once; nothing brings it back')
    .addOption(acceptOption('remove'))
    .option('-n, --dry-run', 'show what would be removed and stop')
    .option('-y, --yes', 'do not ask to type the start of its id')
    .action(async (point, options, command) => {
      const { remove } = await import('./commands/points/remove.ts')
      outcome.exitCode = await run(world, command, (given) => remove(given, point, options), options.dryRun)
    })
  program
    .command('undelete <point>')
    .description('bring back a restore point that was removed less than 72 hours ago')
    .action(async (point, _options, command) => {
      const { undelete } = await import('./commands/points/keep.ts')
      outcome.exitCode = await run(world, command, (given) => undelete(given, point))
    })
  for (const [name, description] of [
    ['hold', 'never prune this restore point'],
    ['release', 'let prune remove this restore point again'],
  ] as const) {
    program
      .command(`${name} <point>`)
      .description(description)
      .action(async (point, _options, command) => {
        const { hold } = await import('./commands/points/keep.ts')
        outcome.exitCode = await run(world, command, (given) => hold(given, point, name))
      })
  }
}

function addKeyCommands(program: Commander, world: World, outcome: Outcome): void {
  const key = program.command('key').description('recipients and the private keys that open restore points')
  const add = (
    usage: string,
    description: string,
    act: 'list' | 'add' | 'remove' | 'change-password' | 'export' | 'rewrap',
  ): Commander =>
    key
      .command(usage)
      .description(description)
      .action(async (...given: unknown[]) => {
        // commander passes the arguments, then the options, then the command.
        const command = given.at(-1) as Commander
        const name = typeof given[0] === 'string' ? given[0] : ''
        const { keyCommand } = await import('./commands/rights/key.ts')
        outcome.exitCode = await run(world, command, (it) => keyCommand(it, act, name, command.opts()))
      })
  add('list', 'list the locked private keys in each repository', 'list')
  add('add <name>', 'make a private key locked with a password, and let it open all points', 'add')
  add('remove <name>', 'remove a locked private key and shut it out of all points', 'remove')
  add('change-password <name>', 'lock a private key with another password; touches no data', 'change-password')
  add('export <name>', 'write a private key, unlocked, to a file for offline safe-keeping', 'export').requiredOption(
    '--to <file>',
    'the file to write (mode 0600)',
  )
  add('rewrap', 'wrap every data key for the recipients of the configuration', 'rewrap')
}
