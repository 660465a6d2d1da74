/** What a socket proxy has to let through, and nothing else. */
export interface AllowedCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Of the whole path, with the version and without the query. */
  readonly path: RegExp
  readonly why: string
}

export const composePurposes = ['backup', 'restore', 'drill', 'guardian'] as const
export type ComposePurpose = (typeof composePurposes)[number]

const ID = '[a-zA-Z0-9]+'
const call = (method: AllowedCall['method'], path: string, why: string): AllowedCall => ({
  method,
  path: new RegExp(`^${path}$`),
  why,
})
const versioned = (path: string): string => `/v1\\.[0-9]+${path}`

const find = [
  call('GET', '/version', 'which version of the API both know'),
  call('GET', versioned('/containers/json'), 'finds the containers of the project'),
  call('GET', versioned(`/containers/${ID}/json`), 'reads state, environment and addresses of a container'),
]
const programs = [
  call('POST', versioned(`/containers/${ID}/exec`), 'runs a program in a container'),
  call('POST', versioned(`/exec/${ID}/start`), 'joins its streams (Upgrade: tcp)'),
  call('GET', versioned(`/exec/${ID}/json`), 'reads its exit code'),
]
const pausing = [
  call('POST', versioned(`/containers/${ID}/stop`), 'stops a service that writes'),
  call('POST', versioned(`/containers/${ID}/start`), 'starts it again'),
]

const throwAway = [
  call('POST', versioned('/containers/create'), 'makes a throw-away container'),
  call('POST', versioned(`/containers/${ID}/attach`), 'keeps it until this program ends'),
  call('POST', versioned(`/containers/${ID}/start`), 'starts it'),
  call('DELETE', versioned(`/containers/${ID}`), 'removes it'),
]

const calls: Readonly<Record<ComposePurpose, readonly AllowedCall[]>> = {
  // One that captures while the app is paused needs those of a restore.
  backup: [...find, ...programs],
  drill: [...find, ...programs, ...throwAway],
  restore: [...find, ...programs, ...pausing],
  // It asks databases what is live before it starts anything.
  guardian: [...find, ...programs, ...pausing],
}

/** The calls of the engine's API that are made for this purpose. The volumes of a stopped container are looked at in another. */
export function composeRights(purpose: ComposePurpose, hasFiles = false): readonly AllowedCall[] {
  return hasFiles ? [...new Set([...calls[purpose], ...throwAway])] : calls[purpose]
}

/** The same as the options of a socket proxy that allows by method and path (wollomatic/socket-proxy). */
export function composeRightsText(purpose: ComposePurpose, hasFiles = false): string {
  const allowed = composeRights(purpose, hasFiles)
  const plain = (path: RegExp): string => path.source.replace(/^\^|\$$/g, '').replaceAll('\\/', '/')
  const option = (method: AllowedCall['method']): string => {
    const paths = allowed.filter((each) => each.method === method).map(({ path }) => plain(path))
    return `      - '-allow${method}=(${paths.join('|')})'`
  }
  return [
    `# What Holdfast asks the container engine for ${purpose}: a socket proxy that allows nothing else.`,
    ...allowed.map(({ method, path, why }) => `#   ${method} ${plain(path)}: ${why}`),
    ...(purpose === 'backup' ? ['# A component that is captured while the app is paused needs those of restore.'] : []),
    '# exec is as much as root inside every container of this engine; no proxy can limit it to one.',
    'services:',
    '  socket-proxy:',
    '    image: wollomatic/socket-proxy:1',
    '    command:',
    ...(['GET', 'POST', 'DELETE'] as const)
      .filter((method) => allowed.some((each) => each.method === method))
      .map(option),
  ].join('\n')
}
