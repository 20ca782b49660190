-- name: has_documents
-- Whether the tenant has anything to search.
select exists (select from chunk_counts where tenant_id = $1 and chunks > 0) as found
