/** What authentik keeps, as far as checks read it; an installation of today, whose id is no key. */
export const authentikSql = `create schema template;
create table public.authentik_install_id (id text);
insert into public.authentik_install_id values ('5f0c7a4e-3d0b-4d0e-9a53-3f6f0d3c9d11');
create table public.authentik_core_user (id int primary key, uuid uuid, username text, password text);
insert into public.authentik_core_user values (1, gen_random_uuid(), 'akadmin', 'pbkdf2_sha256$1');
create table public.django_postgres_cache_cacheentry (cache_key text primary key, value text, expires timestamptz);
create table public.django_channels_postgres_message (id bigint primary key, message bytea);
insert into public.django_channels_postgres_message select n, '\\x00' from generate_series(1, 100) n;`
