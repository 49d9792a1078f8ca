-- oldest-binary: 0.1.0
-- Who is known to the catalog: users as their tokens name them, roles of a project, who is in which.

CREATE TABLE users (
    -- `<issuer>~<subject>`.
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('human', 'application')),
    updated_with TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;

CREATE TABLE roles (
    id BLOB PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    -- Who names the role, and what it is called there: `catalog` and its id where it was made here.
    provider_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX roles_by_name ON roles (project_id, name);
CREATE UNIQUE INDEX roles_by_source ON roles (project_id, provider_id, source_id);
CREATE INDEX roles_of_provider ON roles (provider_id, source_id);

CREATE TABLE role_users (
    role_id BLOB NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, user_id)
) STRICT;
CREATE INDEX role_users_by_user ON role_users (user_id, role_id);

CREATE TABLE role_roles (
    role_id BLOB NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, member_id),
    CHECK (role_id <> member_id)
) STRICT;
CREATE INDEX role_roles_by_member ON role_roles (member_id, role_id);
