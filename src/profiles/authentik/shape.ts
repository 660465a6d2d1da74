import { anyPostgres, cacheOnly } from '../clues.ts'
import type { AppShape } from '../shape.ts'

/** Names: those of authentik's Helm chart and of its compose file. */
export const authentikShape: AppShape = {
  signs: {
    labels: ['app.kubernetes.io/name=authentik'],
    images: ['goauthentik/server'],
    variables: ['AUTHENTIK_SECRET_KEY'],
  },
  writers: {
    labels: ['app.kubernetes.io/name=authentik'],
    images: ['goauthentik/server'],
    variables: ['AUTHENTIK_SECRET_KEY'],
  },
  order: ['*worker*', '*'],
  database: {
    clues: [{ names: ['authentik-postgresql', '*-authentik-postgresql'] }, anyPostgres],
    name: 'authentik',
    checks: [
      { name: 'there are users', sql: 'select count(*) > 0 from public.authentik_core_user' },
      { name: 'the installation has its id', sql: 'select count(*) = 1 from public.authentik_install_id' },
    ],
    // Messages between processes of the running app; authentik's maintainers empty it when it grows.
    disposable: ['public.django_channels_postgres_message'],
  },
  secrets: { names: ['authentik', '*-authentik', 'authentik-postgresql', '*-authentik-postgresql'] },
  keys: { secretKey: { variables: ['AUTHENTIK_SECRET_KEY'], secretKeys: ['AUTHENTIK_SECRET_KEY'] } },
  files: [
    { name: 'media', what: 'icons and uploads', paths: ['/data', '/media'] },
    { name: 'templates', what: 'templates of your own', paths: ['/templates'] },
    { name: 'certs', what: 'certificates that are not imported yet', paths: ['/certs'] },
  ],
  disposable: [cacheOnly('authentik keeps caches and sessions there, up to 2025.8: users log in again after its loss')],
  units: ['authentik-worker.service', 'authentik-server.service', 'authentik.service'],
}
