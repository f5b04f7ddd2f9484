PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_info (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO schema_info VALUES(1);
CREATE TABLE imports (
	id INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	format VARCHAR NOT NULL, 
	encoding VARCHAR NOT NULL, 
	license VARCHAR, 
	options JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	dialogues_done INTEGER NOT NULL, 
	turns_done INTEGER NOT NULL, 
	pairs_done INTEGER NOT NULL, 
	pairs_accepted INTEGER NOT NULL, 
	skipped_done INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (sha256, format, encoding)
);
INSERT INTO imports VALUES(1,'v1.tsv','011c89bf634cc0df34834305549da374f9ca56c346047c09a6a375cbb695eaa7','tsv','utf-8','CC0-1.0','{"rules": ["drop_controls", "squeeze_spaces", "join_spaced", "squeeze_repeats", "strip"], "filters": ["empty", "too_long", "not_chinese", "echo"]}','complete','2026-11-21 12:31:24.753323',5,10,5,3,1);
CREATE TABLE dialogues (
	id INTEGER NOT NULL, 
	import_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	"key" BIGINT NOT NULL, 
	split VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (import_id, position), 
	FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
);
INSERT INTO dialogues VALUES(1,1,0,-670963835698442744,'train');
INSERT INTO dialogues VALUES(2,1,1,-670963835698442744,'train');
INSERT INTO dialogues VALUES(3,1,2,-1074315183332497319,'train');
INSERT INTO dialogues VALUES(4,1,3,-970135526895066086,'train');
INSERT INTO dialogues VALUES(5,1,4,-8331810963914415283,'train');
CREATE TABLE skipped (
	id INTEGER NOT NULL, 
	import_id INTEGER NOT NULL, 
	member VARCHAR, 
	line INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
);
INSERT INTO skipped VALUES(1,1,NULL,6,'1 fields instead of 2','坏行');
CREATE TABLE turns (
	id INTEGER NOT NULL, 
	dialogue_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	speaker VARCHAR, 
	raw VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	words VARCHAR NOT NULL, 
	rejected VARCHAR, 
	pair_key BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (dialogue_id, position), 
	FOREIGN KEY(dialogue_id) REFERENCES dialogues (id) ON DELETE CASCADE
);
INSERT INTO turns VALUES(1,1,0,NULL,'你好','你好','你好',NULL,NULL);
INSERT INTO turns VALUES(2,1,1,NULL,'你好呀','你好呀','你好 呀',NULL,-670963835698442744);
INSERT INTO turns VALUES(3,2,0,NULL,'你好','你好','你好',NULL,NULL);
INSERT INTO turns VALUES(4,2,1,NULL,'你好呀','你好呀','你好 呀','duplicate',NULL);
INSERT INTO turns VALUES(5,3,0,NULL,'吃火锅吗','吃火锅吗','吃火锅 吗',NULL,NULL);
INSERT INTO turns VALUES(6,3,1,NULL,'好啊','好啊','好 啊',NULL,-1074315183332497319);
INSERT INTO turns VALUES(7,4,0,NULL,'今天天气怎么样','今天天气怎么样','今天天气 怎么样',NULL,NULL);
INSERT INTO turns VALUES(8,4,1,NULL,'晴天','晴天','晴天',NULL,-970135526895066086);
INSERT INTO turns VALUES(9,5,0,NULL,'hello','hello','hello',NULL,NULL);
INSERT INTO turns VALUES(10,5,1,NULL,'world','world','world','not_chinese',NULL);
CREATE INDEX ix_skipped_import_id ON skipped (import_id);
CREATE INDEX ix_turns_pair_key ON turns (pair_key);
CREATE VIEW pairs AS
SELECT
    reply.id AS pair_id,
    reply.dialogue_id AS dialogue_id,
    reply.position AS position,
    dialogues.split AS split,
    imports.id AS import_id,
    imports.path AS source,
    imports.license AS license,
    prompt.text AS prompt,
    reply.text AS reply,
    prompt.words AS prompt_words,
    reply.words AS reply_words,
    reply.rejected AS rejected
FROM turns AS reply
JOIN turns AS prompt
    ON prompt.dialogue_id = reply.dialogue_id AND prompt.position = reply.position - 1
JOIN dialogues ON dialogues.id = reply.dialogue_id
JOIN imports ON imports.id = dialogues.import_id;
COMMIT;
