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
        -- What stays in a row must fit a page; no chunk of a usual size has as many.
        select dimension, sum(frequency)::double precision as frequency
        from term group by dimension order by 2 desc, 1 limit 900
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

-- `heading` is the path of headings above the chunk. `search_text` is what is indexed in place of the content:
-- with title and headings, and runs of Chinese, Japanese or Korean cut into bigrams.
create table document_chunks (
    tenant_id uuid not null,
    id uuid not null,
    document_id uuid not null,
    position integer not null check (position >= 0),
    -- A search reads this column of all of a tenant's chunks, and the texts of the few that it finds: so it stands
    -- before what has a length of its own, and stays in the row as it is, while texts go elsewhere.
    bm25 sparsevec(1048576) not null generated always as (
        bm25_vector(to_tsvector(search_config(language), coalesce(search_text, content)))) stored,
    heading text not null default '',
    content text not null,
    language text not null default 'en',
    search_text text,
    tsv tsvector not null generated always as (
        to_tsvector(search_config(language), coalesce(search_text, content))) stored,
    primary key (tenant_id, id),
    unique (tenant_id, document_id, position),
    foreign key (tenant_id, document_id) references documents (tenant_id, id) on delete cascade
) with (toast_tuple_target = 128);
alter table document_chunks alter column bm25 set storage plain;
create index document_chunks_tsv on document_chunks using gin (tsv);
select protect('document_chunks');

-- In how many of the tenant's chunks a lexeme is, and how many chunks there are; kept by count_chunks().
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

-- Keeps both counts right whatever changes chunks, cascades too. The row of chunk_counts is taken first and held to
-- the transaction's end, so those who change a tenant's chunks at once wait for each other there, and never in a
-- circle.
create function count_chunks() returns trigger language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    if tg_op <> 'INSERT' then
        update chunk_counts c set chunks = c.chunks - gone.chunks
        from (select tenant_id, count(*) as chunks from old_chunks group by 1) gone
        where c.tenant_id = gone.tenant_id;

        with gone as (
            select o.tenant_id, t.lexeme, count(*) as chunks from old_chunks o, unnest(o.tsv) t group by 1, 2
        )
        delete from lexeme_counts c using gone
        where c.tenant_id = gone.tenant_id and c.lexeme = gone.lexeme and c.chunks = gone.chunks;

        with gone as (
            select o.tenant_id, t.lexeme, count(*) as chunks from old_chunks o, unnest(o.tsv) t group by 1, 2
        )
        update lexeme_counts c set chunks = c.chunks - gone.chunks
        from gone
        where c.tenant_id = gone.tenant_id and c.lexeme = gone.lexeme;
    end if;
    if tg_op <> 'DELETE' then
        insert into chunk_counts as c (tenant_id, chunks)
        select tenant_id, count(*) from new_chunks group by 1
        on conflict (tenant_id) do update set chunks = c.chunks + excluded.chunks;

        insert into lexeme_counts as c (tenant_id, lexeme, chunks)
        select n.tenant_id, t.lexeme, count(*) from new_chunks n, unnest(n.tsv) t group by 1, 2
        on conflict (tenant_id, lexeme) do update set chunks = c.chunks + excluded.chunks;
    end if;
    return null;
end $$;

create trigger count_added after insert on document_chunks
referencing new table as new_chunks for each statement execute function count_chunks();
create trigger count_changed after update on document_chunks
referencing old table as old_chunks new table as new_chunks for each statement execute function count_chunks();
create trigger count_deleted after delete on document_chunks
referencing old table as old_chunks for each statement execute function count_chunks();

-- Several models side by side, a partition for each, so that one is dropped with its partition. Partitions are
-- reached through this table only; each has the policy as well, since a query that named one would skip ours.
create table document_embeddings (
    tenant_id uuid not null,
    chunk_id uuid not null,
    embedding halfvec not null,
    model text not null,
    created_at timestamptz not null default now(),
    -- Chunk before model: this one index serves searches and the deletion of a chunk.
    primary key (tenant_id, chunk_id, model),
    foreign key (tenant_id, chunk_id) references document_chunks (tenant_id, id) on delete cascade
) partition by list (model);
select protect('document_embeddings');

-- Run by the owner: what a new model's vectors are kept in. Searches are exact within a tenant, so there is no
-- approximate index: with many tenants it finds others' vectors first (docs/decisions/0011).
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
    perform protect(partition::regclass, 'select');
    if role_exists('parley_runtime') then
        execute format('revoke all on %I from parley_runtime', partition);
    end if;
end $$;

select add_embedding_model('all-MiniLM-L6-v2-int8', 384);

-- The passages that fit a question best, by words (BM25) and by meaning: each list's best 50, fused by a convex sum
-- of their normalised scores. Exact: every chunk of the tenant is scored, no index approximates.
-- `score` orders the passages of one search; `similarity` is the cosine; `coverage` is the part of the question's
-- weight, by rarity of its words, that the chunk contains. It sets the tenant first, as a turn's functions do.
create function find_passages(
    p_tenant uuid, p_question text, p_language text, p_model text, p_embedding real[],
    p_lexical_weight double precision, p_limit integer
) returns table (
    chunk_id uuid, document_id uuid, source text, source_id text, title text, heading text, content text, url text,
    score double precision, similarity double precision, coverage double precision
) language plpgsql as $$
#variable_conflict use_column
declare
    v_embedding halfvec := p_embedding::halfvec;
    v_lexemes text[];
    v_weights double precision[];
    v_words sparsevec(1048576);
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);

    -- The question's words with their rarity among the tenant's chunks, and the vector that they make.
    with word as (
        select w.lexeme, lexeme_dimension(w.lexeme) as dimension,
               ln(1 + (total.chunks - coalesce(c.chunks, 0) + 0.5::float8) / (coalesce(c.chunks, 0) + 0.5::float8)) as idf
        from unnest(to_tsvector(search_config(p_language), p_question)) w
        cross join (select coalesce(max(chunks), 0) as chunks from chunk_counts where tenant_id = p_tenant) total
        left join lexeme_counts c on c.tenant_id = p_tenant and c.lexeme = w.lexeme
    )
    select array_agg(lexeme), array_agg(idf),
           (select ('{' || string_agg(dimension || ':' || idf::real, ',' order by dimension) || '}/1048576')::sparsevec(1048576)
            from (select dimension, max(idf) as idf from word group by dimension) each_dimension)
    into v_lexemes, v_weights, v_words
    from word;

    return query
    with by_words as (
        select id, -distance as score
        from (
            select c.id, c.bm25 <#> v_words as distance
            from document_chunks c
            where c.tenant_id = p_tenant and v_words is not null
            order by 2, 1
            limit 50
        ) nearest
        where distance < 0
    ),
    -- The vectors have length one, so their inner product is the cosine.
    by_meaning as (
        select id, -distance as score
        from (
            select e.chunk_id as id, e.embedding <#> v_embedding as distance
            from document_embeddings e
            where e.tenant_id = p_tenant and e.model = p_model
            order by 2, 1
            limit 50
        ) nearest
    ),
    fused as (
        select id, sum(score) as score
        from (
            select id, p_lexical_weight
                       * coalesce((score - min(score) over whole) / nullif(max(score) over whole - min(score) over whole, 0), 1)
                       as score
            from by_words window whole as ()
            union all
            select id, (1 - p_lexical_weight)
                       * coalesce((score - min(score) over whole) / nullif(max(score) over whole - min(score) over whole, 0), 1)
            from by_meaning window whole as ()
        ) both_lists
        group by id
        order by 2 desc, 1
        limit p_limit
    )
    select c.id as chunk_id, c.document_id, d.source, d.source_id, d.title, c.heading, c.content,
           d.metadata ->> 'url' as url, f.score,
           (select -(e.embedding <#> v_embedding) from document_embeddings e
            where e.tenant_id = p_tenant and e.model = p_model and e.chunk_id = c.id) as similarity,
           coalesce((select sum(w.weight) filter (where w.lexeme = any (it.lexemes)) / nullif(sum(w.weight), 0)
                     from (select tsvector_to_array(c.tsv) as lexemes offset 0) it
                     cross join unnest(v_lexemes, v_weights) w (lexeme, weight)), 0) as coverage
    from fused f
    join document_chunks c on c.tenant_id = p_tenant and c.id = f.id
    join documents d on d.tenant_id = p_tenant and d.id = c.document_id
    order by f.score desc, c.id;
end $$;
