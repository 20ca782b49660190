create extension if not exists vector;

create table documents (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    source text not null check (source <> ''),
    source_id text not null,
    title text not null default '',
    content text not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    metadata jsonb not null default '{}',
    subject_user_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, source, source_id),
    foreign key (tenant_id, subject_user_id) references users (tenant_id, id) on delete cascade
);
create index documents_by_hash on documents (tenant_id, content_hash);
create index documents_about_user on documents (tenant_id, subject_user_id) where subject_user_id is not null;
select protect('documents');

-- Immutable, as a generated column needs; the language is text because pg_upgrade refuses columns of regconfig.
create function search_config(p_language text) returns regconfig language sql immutable parallel safe
return case p_language
    when 'da' then 'pg_catalog.danish'::regconfig
    when 'de' then 'pg_catalog.german'::regconfig
    when 'en' then 'pg_catalog.english'::regconfig
    when 'es' then 'pg_catalog.spanish'::regconfig
    when 'fi' then 'pg_catalog.finnish'::regconfig
    when 'fr' then 'pg_catalog.french'::regconfig
    when 'hu' then 'pg_catalog.hungarian'::regconfig
    when 'it' then 'pg_catalog.italian'::regconfig
    when 'nl' then 'pg_catalog.dutch'::regconfig
    when 'no' then 'pg_catalog.norwegian'::regconfig
    when 'pt' then 'pg_catalog.portuguese'::regconfig
    when 'ro' then 'pg_catalog.romanian'::regconfig
    when 'ru' then 'pg_catalog.russian'::regconfig
    when 'sv' then 'pg_catalog.swedish'::regconfig
    when 'tr' then 'pg_catalog.turkish'::regconfig
    else 'pg_catalog.simple'::regconfig
end;

-- A lexeme's dimension among 2^20, from 1. By md5 and not hashtext(), which may change between versions.
create function lexeme_dimension(p_lexeme text) returns integer language sql immutable strict parallel safe
return ('x' || substr(md5(p_lexeme), 1, 5))::bit(20)::integer + 1;

-- BM25's half of the document (k1 = 1.2, b = 0.75): each lexeme's saturated frequency. The query's vector holds
-- the idf, and the inner product of the two is the score. Chunks have a target size, so the average length is a
-- constant: 90 lexemes.
create function bm25_vector(p_lexemes tsvector) returns sparsevec(1048576)
language sql immutable strict parallel safe
return (
    with term as (
        select lexeme_dimension(lexeme) as dimension, coalesce(cardinality(positions), 1) as frequency
        from unnest(p_lexemes)
    ),
    counted as (
        select dimension, sum(frequency)::double precision as frequency from term group by dimension
    ),
    length as (
        select coalesce(sum(frequency), 0) as lexemes from counted
    )
    select (
        '{' || coalesce(string_agg(
            dimension || ':'
            || (frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * lexemes / 90)))::real, ','
            order by dimension), '')
        || '}/1048576')::sparsevec(1048576)
    from counted cross join length
);

-- `search_text` is what is indexed in place of the content, where the two differ: runs of Chinese, Japanese or
-- Korean cut into bigrams.
create table document_chunks (
    tenant_id uuid not null,
    id uuid not null,
    document_id uuid not null,
    position integer not null check (position >= 0),
    content text not null,
    language text not null default 'en',
    search_text text,
    tsv tsvector not null generated always as (
        to_tsvector(search_config(language), coalesce(search_text, content))) stored,
    bm25 sparsevec(1048576) not null generated always as (
        bm25_vector(to_tsvector(search_config(language), coalesce(search_text, content)))) stored,
    primary key (tenant_id, id),
    unique (tenant_id, document_id, position),
    foreign key (tenant_id, document_id) references documents (tenant_id, id) on delete cascade
);
create index document_chunks_tsv on document_chunks using gin (tsv);
select protect('document_chunks');

-- In how many of the tenant's chunks a lexeme is, and how many chunks there are; kept by ingest.
create table lexeme_counts (
    tenant_id uuid not null references tenants (tenant_id),
    lexeme text not null,
    chunks bigint not null check (chunks >= 0),
    primary key (tenant_id, lexeme)
);
select protect('lexeme_counts');

create table chunk_counts (
    tenant_id uuid not null references tenants (tenant_id),
    chunks bigint not null default 0 check (chunks >= 0),
    primary key (tenant_id)
);
select protect('chunk_counts');

-- Several models side by side, a partition for each, so that one is dropped with its partition. Partitions are
-- reached through this table only; each has the policy as well, since a query that named one would skip ours.
create table document_embeddings (
    tenant_id uuid not null,
    model text not null,
    chunk_id uuid not null,
    embedding halfvec not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, model, chunk_id),
    foreign key (tenant_id, chunk_id) references document_chunks (tenant_id, id) on delete cascade
) partition by list (model);
create index document_embeddings_of_chunk on document_embeddings (tenant_id, chunk_id);
select protect('document_embeddings');

-- Run by the owner: what a new model's vectors are kept in.
create function add_embedding_model(p_model text, p_dimensions integer) returns void language plpgsql as $$
declare
    partition text := left('document_embeddings_' || regexp_replace(lower(p_model), '[^a-z0-9]+', '_', 'g'), 50);
begin
    if p_dimensions not between 1 and 4000 then
        raise exception 'a model has 1 to 4000 dimensions, not %', p_dimensions using errcode = 'check_violation';
    end if;
    execute format('create table %I partition of document_embeddings for values in (%L)', partition, p_model);
    execute format(
        'alter table %I add constraint %I check (vector_dims(embedding) = %s)',
        partition, partition || '_size', p_dimensions);
    execute format(
        'create index %I on %I using hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops)',
        partition || '_near', partition, p_dimensions);
    perform protect(partition::regclass, 'select');
    if role_exists('parley_runtime') then
        execute format('revoke all on %I from parley_runtime', partition);
    end if;
end $$;

select add_embedding_model('all-MiniLM-L6-v2-int8', 384);
