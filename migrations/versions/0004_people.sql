create table user_flags (
    tenant_id uuid not null,
    user_id uuid not null,
    name text not null check (name <> ''),
    value jsonb,
    sealed bytea,
    updated_at timestamptz not null,
    primary key (tenant_id, user_id, name),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    check ((value is null) <> (sealed is null))
);
select protect('user_flags');

-- Two users are one person, by proof. The pair has one order, so that it is linked once.
create table identity_links (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    linked_user_id uuid not null,
    proof text not null check (proof in ('one_time_code', 'signed_token', 'operator')),
    proved_at timestamptz not null,
    ended_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, linked_user_id) references users (tenant_id, id) on delete cascade,
    check (user_id < linked_user_id)
);
create unique index identity_links_pair on identity_links (tenant_id, user_id, linked_user_id)
where ended_at is null;
create index identity_links_other on identity_links (tenant_id, linked_user_id);
select protect('identity_links');

-- 1 or -1; 0 is a judgement taken back.
create table feedback (
    tenant_id uuid not null,
    id uuid not null,
    message_id uuid not null,
    user_id uuid not null,
    value smallint not null check (value in (-1, 0, 1)),
    comment text,
    created_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, message_id, user_id),
    foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
create index feedback_of_user on feedback (tenant_id, user_id);
create index feedback_by_time on feedback (tenant_id, created_at);
select protect('feedback');

-- A file may be stored before the message that names it is accepted, so `message_id` comes later, with its `place`
-- among the message's files. `file_url` is the key of its object in the object store, which is no other file's, and
-- never an address. `sensitive`: a sensitive ask took it; its name is forgotten, and no link opens it.
create table attachments (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    message_id uuid,
    place smallint,
    file_name text,
    file_url text not null,
    file_type text not null,
    size_bytes bigint not null check (size_bytes > 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    status text not null default 'pending' check (status in ('pending', 'ready', 'quarantined')),
    sensitive boolean not null default false,
    created_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, file_url),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
create index attachments_of_message on attachments (tenant_id, message_id);
create index attachments_of_user on attachments (tenant_id, user_id);
create index attachments_unclaimed on attachments (tenant_id, created_at) where message_id is null;
select protect('attachments');

-- The files of a message as they may be shown, in the order in which the message names them. The tenant is set.
create function files_of(p_tenant uuid, p_message uuid) returns jsonb language sql stable as $$
    select jsonb_agg(jsonb_build_object('id', id, 'name', file_name, 'type', file_type, 'size', size_bytes)
                     order by place, created_at, id)
    from attachments
    where tenant_id = p_tenant and message_id = p_message and status = 'ready' and not sensitive
$$;

create table attachment_texts (
    tenant_id uuid not null,
    attachment_id uuid not null,
    content text not null default '',
    sealed bytea,
    language text,
    created_at timestamptz not null,
    primary key (tenant_id, attachment_id),
    foreign key (tenant_id, attachment_id) references attachments (tenant_id, id) on delete cascade,
    check (sealed is null or content = '')
);
select protect('attachment_texts');

create table summaries (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    up_to_seq bigint not null check (up_to_seq > 0),
    content text not null default '',
    sealed bytea,
    model text,
    created_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, session_id, up_to_seq),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    check (sealed is null or content = '')
);
select protect('summaries');
