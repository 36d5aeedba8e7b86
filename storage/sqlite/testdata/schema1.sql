-- A file as the first version of the schema left it.
PRAGMA journal_mode = WAL;
CREATE TABLE tasks (
	id              TEXT    NOT NULL PRIMARY KEY,
	version         INTEGER NOT NULL,
	status          TEXT    NOT NULL,
	source_kind     TEXT    NOT NULL,
	source_name     TEXT    NOT NULL,
	original_path   TEXT    NOT NULL,
	original_format TEXT    NOT NULL,
	original_width  INTEGER NOT NULL,
	original_height INTEGER NOT NULL,
	original_size   INTEGER NOT NULL,
	original_sha256 TEXT    NOT NULL,
	images          TEXT    NOT NULL,
	error           TEXT    NOT NULL,
	attempts        INTEGER NOT NULL,
	stalls          INTEGER NOT NULL,
	idempotency_key TEXT,
	fingerprint     TEXT    NOT NULL,
	token           TEXT    NOT NULL,
	started_at      INTEGER,
	finished_at     INTEGER,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tasks_by_key     ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_by_age            ON tasks (created_at, id);
CREATE INDEX tasks_by_status_and_age ON tasks (status, created_at, id);
CREATE INDEX tasks_unfinished        ON tasks (id, updated_at) WHERE status IN ('pending', 'processing');
INSERT INTO tasks VALUES
('6b04df4d10e66d2331400001', 1, 'pending', 'upload', 'one.jpg', 'storage/images/x/original.jpg', 'jpeg', 40, 30, 999, 'ab', '[]', '', 1, 0, NULL, 'cd', 'host:1:1', NULL, NULL, 1795512600001, 1795512600001),
('6b04df4d10e66d2331400002', 3, 'completed', 'upload', 'two.jpg', 'storage/images/x/original.jpg', 'jpeg', 40, 30, 999, 'ab', '[{"resolution":"800","path":"output/x/800/b.jpg","format":"jpeg","width":40,"height":30,"size":7,"md5":"b"}]', '', 1, 0, NULL, 'cd', 'host:1:2', NULL, NULL, 1795512600002, 1795512600002),
('6b04df4d10e66d2331400003', 1, 'completed', 'upload', 'three.jpg', 'storage/images/x/original.jpg', 'jpeg', 40, 30, 999, 'ab', '[]', '', 1, 0, NULL, 'cd', 'host:1:3', NULL, NULL, 1795512600003, 1795512600003),
('6b04df4d10e66d2331400004', 1, 'failed', 'upload', 'four.jpg', 'storage/images/x/original.jpg', 'jpeg', 40, 30, 999, 'ab', '[]', '', 1, 0, NULL, 'cd', 'host:1:4', NULL, NULL, 1795512600004, 1795512600004);
PRAGMA user_version = 1;
