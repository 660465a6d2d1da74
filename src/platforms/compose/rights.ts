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

/**
 * The same as a socket proxy: the configuration of an Apache HTTP Server, which passes on what is here and answers all else with
 * 403. HAProxy takes `Upgrade` out of a request with a body, and nginx ends both sides of a stream with the first.
 */
export function composeRightsText(purpose: ComposePurpose, hasFiles = false): string {
  const allowed = composeRights(purpose, hasFiles)
  const plain = (path: RegExp): string => path.source.replace(/^\^|\$$/g, '').replaceAll('\\/', '/')
  return [
    `# What Holdfast asks the container engine for ${purpose}: Apache HTTP Server 2.4.47 or newer lets nothing else through.`,
    ...allowed.map(({ method, path, why }) => `#   ${method} ${plain(path)}: ${why}`),
    ...(purpose === 'backup' ? ['# A component that is captured while the app is paused needs those of restore.'] : []),
    '# exec is as much as root inside every container of this engine; no proxy can limit it to one.',
    '# It needs the modules proxy, proxy_http, rewrite and ssl, and the group of the socket for its user.',
    ...APACHE_HEAD,
    ...allowed.map(
      ({ method, path }) => `  RewriteCond "%{REQUEST_METHOD} %{REQUEST_URI}" "!^${method} ${plain(path)}$"`,
    ),
    ...APACHE_TAIL,
  ].join('\n')
}

/** Every user of the host reaches a port, so only who has a certificate is let in. A stream may be quiet for a day. */
const APACHE_HEAD = [
  'Listen 127.0.0.1:2376',
  'Timeout 86400',
  '<VirtualHost 127.0.0.1:2376>',
  '  SSLEngine on',
  '  SSLCertificateFile /etc/holdfast/proxy/server-cert.pem',
  '  SSLCertificateKeyFile /etc/holdfast/proxy/server-key.pem',
  '  SSLCACertificateFile /etc/holdfast/proxy/ca.pem',
  '  SSLVerifyClient require',
  '  RewriteEngine on',
]
const APACHE_TAIL = [
  '  RewriteRule ^ - [F]',
  '  ProxyPass / unix:/var/run/docker.sock|http://localhost/ upgrade=tcp disablereuse=on',
  '</VirtualHost>',
]
