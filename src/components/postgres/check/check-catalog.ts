/** Pieces of SQL over the catalogs that several checks share. Sessions have no search path, so casts to `regclass` give whole names. */

/** Schemas that pg_dump looks into; `n` is pg_namespace. */
export const OUR_SCHEMAS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

/** `schema.name` of a row of pg_class. */
export function relationName(relation: string): string {
  return `${relation}.relnamespace::regnamespace::text || '.' || quote_ident(${relation}.relname)`
}

/** Whether an object belongs to an extension, whose script makes it again. */
export function ofExtension(catalog: string, oid: string): string {
  return `exists (select from pg_depend x where x.classid = '${catalog}'::regclass and x.objid = ${oid} and x.deptype = 'e')`
}

/** A list for people that does not fill the screen. */
export function listed(names: readonly string[], most = 20): string {
  const more = names.length > most ? ` and ${names.length - most} more` : ''
  return `${names.slice(0, most).join(', ')}${more}`
}
