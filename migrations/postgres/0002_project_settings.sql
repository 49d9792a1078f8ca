-- oldest-binary: 0.1.0
-- What an operator set of a project's background work, as JSON; NULL where nothing was set.

ALTER TABLE projects ADD COLUMN settings TEXT;
