/**
 * `npm run build`, and what npm runs before it packs: compiles `src/` into `dist/` and puts beside the compiled code
 * what it reads at run time. A package carries `dist/` because Node does not strip types below node_modules.
 */
import { cpSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runVisibly } from './run.ts'

const root = join(import.meta.dirname, '..')
process.chdir(root)

/** Files under src/ that are read as they are, such as recover.py, which `init` copies into each repository. */
function filesToCopy(): readonly string[] {
  return globSync('**/*.*', { cwd: 'src' }).filter(
    (file) => !file.endsWith('.ts') && !/(^|\/)(testing|__pycache__)\//.test(file),
  )
}

function copy(file: string): void {
  const target = join('dist', file)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join('src', file), target)
}

// A file that was renamed in src/ must not live on in the package.
rmSync('dist', { recursive: true, force: true })
process.exitCode = await runVisibly(process.execPath, [
  join('node_modules', 'typescript', 'bin', 'tsc'),
  '--project',
  'tsconfig.build.json',
])
for (const file of filesToCopy()) copy(file)
