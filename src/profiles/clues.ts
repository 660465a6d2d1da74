import type { Clue, DisposableShape } from './shape.ts'

/** What every profile may use. Names of images and labels: those of Docker Hub, of Bitnami's charts and of Zalando's operator. */

/** A PostgreSQL server, whoever made its image. */
export const anyPostgres: Clue = {
  names: ['postgres', 'postgresql', '*-postgres', '*-postgresql'],
  labels: ['app.kubernetes.io/name=postgresql', 'application=spilo'],
  images: ['postgres', 'postgresql', 'spilo', 'spilo-*'],
}

/** Redis and its like, where an app keeps nothing there that it cannot make again. */
export function cacheOnly(why: string): DisposableShape {
  return {
    clue: { names: ['redis', 'valkey', '*-redis', '*-redis-master', '*-valkey'], images: ['redis', 'valkey', 'keydb'] },
    why,
  }
}
