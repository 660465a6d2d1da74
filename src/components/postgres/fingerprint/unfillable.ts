/**
 * A common table expression: materialized views that read, through views or not, one that is not filled. They may have rows from before;
 * pg_dump does not have them filled, as nothing could.
 */
export const UNFILLABLE = `
  reads (id, source, kind) as (
    select distinct r.ev_class, c.oid, c.relkind from pg_rewrite r
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
      join pg_class c on c.oid = d.refobjid and c.relkind in ('m', 'v')),
  unfillable (id) as (
    select r.id from reads r join pg_class c on c.oid = r.source where r.kind = 'm' and not c.relispopulated
    union select r.id from unfillable u join reads r on r.source = u.id)`
