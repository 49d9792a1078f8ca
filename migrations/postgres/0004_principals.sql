-- oldest-binary: 0.1.0
-- Who is known to the catalog: users as their tokens name them, roles of a project, who is in which.

CREATE TABLE users (
    -- `<issuer>~<subject>`.
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('human', 'application')),
    updated_with TEXT COLLATE "C" NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);

CREATE TABLE roles (
    id UUID PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    -- Who names the role, and what it is called there: `catalog` and its id where it was made here.
    provider_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT
);
CREATE UNIQUE INDEX roles_by_name ON roles (project_id, name);
CREATE UNIQUE INDEX roles_by_source ON roles (project_id, provider_id, source_id);
CREATE INDEX roles_of_provider ON roles (provider_id, source_id);

CREATE TABLE role_users (
    role_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, user_id)
);
CREATE INDEX role_users_by_user ON role_users (user_id, role_id);

CREATE TABLE role_roles (
    role_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, member_id),
    CHECK (role_id <> member_id)
);
CREATE INDEX role_roles_by_member ON role_roles (member_id, role_id);
