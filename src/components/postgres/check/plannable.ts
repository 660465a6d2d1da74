/**
 * To plan a statement over a table, PostgreSQL reads the expressions and conditions of its indexes, its statistics and its
 * partition key, and evaluates what is constant in them, as whoever reads. COPY of a whole table plans nothing. So tables are
 * named here that may be read by a planned statement: what stands in those expressions is built in, and nobody's.
 */

/** The first oid that an object of a user can have. Those below were made with the server, and only a superuser changes them. */
export const FIRST_OWN_OID = 16384

/** An object depends on nothing but what is built in; its own table and constraint are no code. */
function dependsOnOwn(catalog: string, oid: string): string {
  return `exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.objsubid = 0
    and d.refobjid >= ${FIRST_OWN_OID} and d.refclassid not in ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_namespace'::regclass, 'pg_extension'::regclass))`
}

/** SQL that is true for the oid of a table which a statement may be planned over. Sessions have no search path. */
export function plannable(oid: string): string {
  return `not exists (select from pg_index i where i.indrelid = ${oid} and (i.indexprs is not null or i.indpred is not null) and ${dependsOnOwn('pg_class', 'i.indexrelid')})
    and not exists (select from pg_statistic_ext s where s.stxrelid = ${oid} and s.stxexprs is not null and ${dependsOnOwn('pg_statistic_ext', 's.oid')})
    and not exists (select from pg_partitioned_table p where p.partrelid = ${oid} and ${dependsOnOwn('pg_class', 'p.partrelid')})`
}

/** The same of a table with all its partitions. */
export function plannableTree(oid: string): string {
  return `not exists (select from (select ${oid} as id union select relid from pg_partition_tree(${oid})) tree where not (${plannable('tree.id')}))`
}
