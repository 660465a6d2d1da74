/** What stock tool reads an artifact: pg_restore, COPY of PostgreSQL, any reader of JSON lines, tar, psql. */
export type ArtifactKind = 'pg-dump' | 'copy-rows' | 'json-lines' | 'tar' | 'sql'
