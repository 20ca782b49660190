-- name: hashes
-- What is kept of a source, by hash, so that what did not change is left alone.
select source_id, content_hash from documents where tenant_id = $1 and source = $2

-- name: places
-- The documents of a source that were read from files: where each lies, and below which folder.
select id, source_id, metadata ->> 'root' as root, metadata ->> 'path' as path
from documents
where tenant_id = $1 and source = $2 and metadata ->> 'root' is not null and metadata ->> 'path' is not null

-- name: wait_longer
-- For this transaction: another may be writing a large document, which takes longer than the role waits for a lock.
select set_config('lock_timeout', '25s', true)

-- name: take
-- A document, locked, so that whoever changes it at the same time waits.
select id, content_hash, metadata
from documents
where tenant_id = $1 and source = $2 and source_id = $3
for update

-- name: create
-- A document that is not there yet; nothing when somebody was quicker.
insert into documents (tenant_id, id, source, source_id, title, content, content_hash, metadata, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
on conflict (tenant_id, source, source_id) do nothing
returning id

-- name: change
-- A document's new text; its chunks are made anew.
update documents set title = $3, content = $4, content_hash = $5, metadata = $6, updated_at = $7
where tenant_id = $1 and id = $2

-- name: describe
-- A document's metadata alone: where it lies, not what it says.
update documents set metadata = $3, updated_at = $4
where tenant_id = $1 and id = $2

-- name: drop_chunks
-- A document's chunks, and with them their embeddings.
delete from document_chunks where tenant_id = $1 and document_id = $2

-- name: add_chunks
-- Many chunks in one statement, so that they are counted once.
insert into document_chunks (tenant_id, id, document_id, position, heading, content, language, search_text)
select $1, id, $2, position, heading, content, $3, search_text
from unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::text[])
    chunk (id, position, heading, content, search_text)

-- name: add_embedding
-- A chunk's vector of one model.
insert into document_embeddings (tenant_id, model, chunk_id, embedding) values ($1, $2, $3, $4::real[]::halfvec)

-- name: take_many
-- Documents about to be deleted, locked in one order, so that two deletions never wait in a circle.
select id from documents where tenant_id = $1 and id = any ($2::uuid[]) order by id for update

-- name: delete_many
-- Documents with all that was made of them.
delete from documents where tenant_id = $1 and id = any ($2::uuid[])

-- name: list_all
-- The documents of a tenant, of one source or of all, without their texts.
select id, source, source_id, title, metadata, created_at, updated_at,
       (select count(*) from document_chunks c where c.tenant_id = d.tenant_id and c.document_id = d.id) as chunks
from documents d
where tenant_id = $1 and ($2::text is null or source = $2)
order by source, source_id

-- name: find
-- The documents that an id or a source's id names.
select id, source, source_id, title, metadata, created_at, updated_at,
       (select count(*) from document_chunks c where c.tenant_id = d.tenant_id and c.document_id = d.id) as chunks,
       content
from documents d
where tenant_id = $1 and (id = $2 or source_id = $3) and ($4::text is null or source = $4)
order by source

-- name: adopt
-- What was read from a folder that lies elsewhere now.
update documents
set metadata = metadata || jsonb_build_object(
    'root', $4::text, 'path', $4::text || substr(metadata ->> 'path', length($3::text) + 1))
where tenant_id = $1 and source = $2 and metadata ->> 'root' = $3
