import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const program = new URL('../../bin/holdfast', import.meta.url).pathname

/**
 * How each shell is asked, without a terminal, what follows `holdfast` and these words; the script comes as `$1`. The words
 * that fit are printed, one on a line.
 */
const SHELLS = {
  bash: [
    '--norc',
    '-c',
    'eval "$1"; shift; COMP_WORDS=(holdfast "$@"); COMP_CWORD=$#; _holdfast; printf "%s\\n" "${COMPREPLY[@]}"',
    'bash',
  ],
  fish: [
    '--no-config',
    '-c',
    'string join \\n -- $argv[1] | source; complete -C "holdfast $argv[2..]" | string split -f1 \\t; true',
  ],
} as const

async function isThere(shell: string): Promise<boolean> {
  return execute(shell, ['--version']).then(
    () => true,
    () => false,
  )
}

for (const [shell, how] of Object.entries(SHELLS))
  test(`${shell} completes commands, their own commands and their options`, async (t) => {
    // Everybody has bash here; who changes completion installs the others.
    if (shell !== 'bash' && !(await isThere(shell))) return t.skip(`${shell} is not installed`)
    const { stdout: script } = await execute(program, ['completion', shell])
    const offered = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await execute(shell, [...how, script, ...words], { timeout: 20_000 })
      return stdout.split('\n').filter((word) => word !== '')
    }
    assert.deepEqual(await offered('poi'), ['points'])
    assert.deepEqual((await offered('scratch', '')).toSorted(), ['list', 'remove'])
    assert.deepEqual(await offered('restore', '--no-sa'), ['--no-safety-point'])
    assert.deepEqual(await offered('restore', 'portal', '--target', 'swap', '--aban'), ['--abandon'])
  })

// It completes through zsh's layer for scripts of bash, which can be asked in a terminal only.
test('zsh takes the script and completes holdfast with it', async (t) => {
  if (!(await isThere('zsh'))) return t.skip('zsh is not installed')
  const { stdout: script } = await execute(program, ['completion', 'zsh'])
  const ask = 'autoload -U compinit; compinit -D -u; eval "$1"; print -- ${_comps[holdfast]}'
  const { stdout } = await execute('zsh', ['-f', '-c', ask, 'zsh', script])
  assert.equal(stdout, '_bash_complete -F _holdfast\n')
})
