import { POSTGRES_IMAGE } from './docker/images.ts'
import type { ComposeFile } from './docker.ts'

/** Of the superuser `postgres`, in the variable POSTGRES_PASSWORD of the database's container. */
export const APP_PASSWORD = 'a "password" = $HOME'

const DATABASE = `mkdir -p /data && chown postgres /data
as() { runuser -u postgres -- env PATH="$PATH" "$@"; }
if [ ! -e /data/PG_VERSION ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password && chown postgres /tmp/password
  as initdb -D /data --auth-local trust --auth-host scram-sha-256 --pwfile /tmp/password --no-sync >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>/data/pg_hba.conf
fi
exec runuser -u postgres -- env PATH="$PATH" postgres -D /data -c listen_addresses=* -c fsync=off -c unix_socket_directories=/tmp`

const WRITER = `write() { psql -qAt -h database -U postgres -c "$1"; }
write 'CREATE TABLE IF NOT EXISTS written (at timestamptz DEFAULT now())'
while :; do write 'INSERT INTO written DEFAULT VALUES' || exit 1; sleep 0.1; done`

/** A database without a published port, whose socket is in /tmp inside, and a writer that never stops. */
export const composeApp: ComposeFile = {
  services: {
    database: {
      image: POSTGRES_IMAGE,
      command: ['bash', '-c', DATABASE],
      environment: { POSTGRES_PASSWORD: APP_PASSWORD },
      volumes: ['data:/data'],
      healthcheck: { test: ['CMD', 'pg_isready', '-h', '127.0.0.1'], interval: '1s', retries: 60, timeout: '5s' },
    },
    writer: {
      image: POSTGRES_IMAGE,
      command: ['bash', '-c', WRITER],
      environment: { PGPASSWORD: APP_PASSWORD },
      restart: 'unless-stopped',
      depends_on: { database: { condition: 'service_healthy' } },
    },
  },
  volumes: { data: {} },
}
