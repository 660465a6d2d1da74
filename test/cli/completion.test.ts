import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const bin = join(import.meta.dirname, '..', '..', 'bin')

/**
 * How each shell is asked, without a terminal, what can come at the end of a line: the script comes as `$1`, the line as `$2`.
 * The words that fit are printed, one on a line.
 */
const SHELLS = {
  bash: [
    '--norc',
    '-c',
    'eval "$1"; eval "$1"; COMP_LINE=$2 COMP_POINT=${#2}; read -ra COMP_WORDS <<< "${2//=/ = }"; [[ $2 == *" " ]] && COMP_WORDS+=("");' +
      'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _holdfast; printf "%s\\n" "${COMPREPLY[@]}"',
    'bash',
  ],
  // What completes at the prompt ends in _describe, which cannot be called elsewhere.
  zsh: [
    '-f',
    '-c',
    'autoload -U compinit; compinit -D -u; eval "$1"; eval "$1"; [[ $_comps[holdfast] == _holdfast ]] || exit 1;' +
      'compset() { : }; _describe() { print -l -- "${(@)found%%:*}" };' +
      'words=("${(@z)2}"); [[ $2 == *" " ]] && words+=(""); CURRENT=$#words; PREFIX=$words[-1]; _holdfast',
    'zsh',
  ],
  fish: ['--no-config', '-c', 'echo $argv[1] | source; complete -C $argv[2] | string split -f1 \\t; true'],
} as const

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-completion-'))
  await writeFile(join(folder, 'holdfast.yaml'), 'apps:\n  portal: {}\n  payroll: {}\n')
  await writeFile(join(folder, 'other.yaml'), 'apps: { elsewhere: {} }\n')
  await writeFile(join(folder, 'wrong.yaml'), 'apps: [\n')
})
after(() => rm(folder, { recursive: true }))

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${bin}:${process.env['PATH']}`,
  HOLDFAST_CONFIG: join(folder, 'holdfast.yaml'),
})

async function scriptFor(shell: string): Promise<string> {
  return (await execute(join(bin, 'holdfast'), ['completion', shell])).stdout
}

for (const [shell, how] of Object.entries(SHELLS)) {
  const offered = async (line: string, script: string): Promise<readonly string[]> => {
    const options = { cwd: folder, env: environment(), timeout: 20_000 }
    const { stdout, stderr } = await execute(shell, [...how, script, `holdfast ${line}`], options)
    assert.equal(stderr, '')
    return stdout.split('\n').filter((word) => word !== '')
  }

  test(`${shell} completes commands, options, their choices and the names of apps`, async () => {
    const script = await scriptFor(shell)
    const lines: readonly (readonly [string, readonly string[]])[] = [
      ['poi', ['points']],
      ['scratch ', ['list', 'remove']],
      ['restore --no-sa', ['--no-safety-point']],
      ['restore portal --target swap --aban', ['--abandon']],
      ['restore --target s', ['scratch', 'stage', 'swap']],
      ['key add --js', ['--json']],
      ['rights openbao ', ['backup', 'drill', 'restore']],
      ['backup p', ['payroll', 'portal']],
      ['show latest --app po', ['portal']],
      ['-c other.yaml backup ', ['elsewhere']],
      ['-c wrong.yaml backup ', []],
      ['restore portal --at ', []],
    ]
    for (const [line, words] of lines) assert.deepEqual((await offered(line, script)).toSorted(), words, line)
    const [target = '', ...others] = await offered('restore --target=in', script)
    assert.match(target, /^(?:--target=)?in-place$/)
    assert.deepEqual(others, [])
  })

  test(`${shell} runs nothing of the line that it completes`, async () => {
    const script = await scriptFor(shell)
    await writeFile(join(folder, 'kept.txt'), 'kept')
    const there = await readdir(folder)
    for (const typed of ['$(touch ran)', '`touch ran`', '--x$(touch ran)=', '"$(touch ran)"', '> kept.txt'])
      await offered(`points ${typed} --js`, script)
    for (const typed of ['--x$(touch ran)=', '$(touch ran)']) await offered(`points ${typed}`, script)
    assert.equal(await readFile(join(folder, 'kept.txt'), 'utf8'), 'kept')
    assert.deepEqual(await readdir(folder), there)
  })
}

test('another shell is refused with those that there are', async () => {
  const asked = execute(join(bin, 'holdfast'), ['completion', 'tcsh'])
  await assert.rejects(asked, { code: 2, stderr: /bash, zsh, fish/ })
})
