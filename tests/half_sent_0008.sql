BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE "alerts" (
	id INTEGER NOT NULL, 
	about VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_alerts PRIMARY KEY (id)
);
CREATE TABLE article_names (
    name VARCHAR(64) NOT NULL CONSTRAINT pk_article_names PRIMARY KEY, article_id INTEGER NOT NULL,
    CONSTRAINT fk_article_names_article_id FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE TABLE article_pages (
	article_id INTEGER NOT NULL, 
	read_at DATETIME NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_article_pages PRIMARY KEY (article_id), 
	CONSTRAINT fk_article_pages_article_id FOREIGN KEY(article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE TABLE articles (
    id INTEGER NOT NULL CONSTRAINT pk_articles PRIMARY KEY,
    source VARCHAR(60) NOT NULL, title_key VARCHAR(64) NOT NULL, published DATETIME,
    first_seen DATETIME NOT NULL, changed_at DATETIME NOT NULL, digest VARCHAR(64) NOT NULL,
    content TEXT NOT NULL, edits TEXT DEFAULT '{}' NOT NULL, dropped_at DATETIME,
    held_until VARCHAR(20) DEFAULT '' NOT NULL, carried_by VARCHAR(20) DEFAULT '' NOT NULL
);
CREATE TABLE "attempts" (
	id INTEGER NOT NULL, 
	ledger VARCHAR(20) NOT NULL, 
	row_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	code INTEGER, 
	text VARCHAR(500) DEFAULT ('') NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY (id), 
	CONSTRAINT ck_attempts_ledger CHECK (ledger IN ('deliveries', 'outbox')), 
	CONSTRAINT ck_attempts_outcome CHECK (outcome IN ('waiting', 'claimed', 'handing over', 'accepted', 'refused', 'deferred', 'in doubt', 'skipped', 'expired', 'cancelled'))
);
INSERT INTO "attempts" VALUES(1,'deliveries',13,1,'2026-11-19 06:00:00.000000','refused',550,'5.1.1 no such user');
INSERT INTO "attempts" VALUES(2,'deliveries',14,1,'2026-11-19 06:00:00.000000','deferred',451,'4.7.1 greylisted');
INSERT INTO "attempts" VALUES(3,'deliveries',15,1,'2026-11-19 06:00:00.000000','in doubt',NULL,'the connection was lost');
INSERT INTO "attempts" VALUES(4,'deliveries',15,2,'2026-11-19 06:00:00.000000','accepted',250,'2.0.0 Ok: queued');
CREATE TABLE consents (
    id INTEGER NOT NULL CONSTRAINT pk_consents PRIMARY KEY AUTOINCREMENT,
    at DATETIME NOT NULL, what VARCHAR(20) NOT NULL, address_hash VARCHAR(64) NOT NULL, subscriber_id BIGINT,
    via TEXT DEFAULT '' NOT NULL, form TEXT DEFAULT '' NOT NULL, wording TEXT DEFAULT '' NOT NULL,
    wording_hash TEXT DEFAULT '' NOT NULL, ip TEXT DEFAULT '' NOT NULL, user_agent TEXT DEFAULT '' NOT NULL,
    detail TEXT DEFAULT '' NOT NULL
);
INSERT INTO "consents" VALUES(1,'2026-11-19 06:00:00.000000','added','8b7d7c5cb0734506f01a3d23973b30f01ce2b145d4b78c05bfdb7d4c3e639225',1,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(2,'2026-11-19 06:00:00.000000','added','2c679d5bae75f3aceec36f409d8255af8f4a27ce78ba6d92cbb98401e8b1ae73',2,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(3,'2026-11-19 06:00:00.000000','added','3a65bed8d361323758d771e0b70d827e9055c4ba5328e68007ac9d7dd93d13ab',3,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(4,'2026-11-19 06:00:00.000000','added','a61a5106d821b3e6e879699eb42bf62a801e46fe9822ea72cfb81436f0aaf31d',4,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(5,'2026-11-19 06:00:00.000000','added','3b3c2ebaf0ab03b84cc9480b5e9af56ce3a2803a64fbfeced0f0e70f917a2cd1',5,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(6,'2026-11-19 06:00:00.000000','added','e5770449aa948ef5753af41b04e4f651b610737854d2898dc2626e8f963f4a51',6,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(7,'2026-11-19 06:00:00.000000','added','b296b731cb0428116fe874a2a1ba191eedf3d0de38a60b35d1b04f401a4ee0a9',7,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(8,'2026-11-19 06:00:00.000000','added','de2de380f8da52e5b709984dd8e141ea0da7f36a1b4b9131264e07deebbce810',8,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(9,'2026-11-19 06:00:00.000000','added','ee43906a382175e5469d64e758f90b421f7de1b39e224ceea4fa0d132a31419a',9,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(10,'2026-11-19 06:00:00.000000','added','94118490af9afc09b01117d3cfb0e1f21f95c4b58617ed0690e33f93e9a6fc0a',10,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(11,'2026-11-19 06:00:00.000000','added','bdcaf9aff1ff590e3dcbee9cdb3942a2485ddd5dd4a7ef300ecbacd00f820d9d',11,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(12,'2026-11-19 06:00:00.000000','added','2413b1a71ceb53ede7c76f764c7fdc43764cc714b2edf85ff36f4fdff3ca9fd8',12,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(13,'2026-11-19 06:00:00.000000','added','6cba3d37a76b14a090adba85350bd5702445489ac1e17c225fb959254cbbd630',13,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(14,'2026-11-19 06:00:00.000000','added','b0e8765abcc2f25eca61bfc4271afe2c47eaea88b7eed82631b2350af133f0ca',14,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(15,'2026-11-19 06:00:00.000000','added','c63ca73586878467cafa64f425b74b0a420443c3225ffb812dc4e3fb8291da3c',15,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(16,'2026-11-19 06:00:00.000000','added','861fec9078555c9de00149ca2a05bfca8ecb1360f1f897e494c3a107b9d4c6da',16,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(17,'2026-11-19 06:00:00.000000','added','70bc8a14c9be96c9962a12f913e25871d6f1c8c9d339dd7f4e1b4a51ae51c2f2',17,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(18,'2026-11-19 06:00:00.000000','added','cd8d8d18e5d5cae102e892c82bcac55e96baaee5711d2bfb4f8ccd570d2cf734',18,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(19,'2026-11-19 06:00:00.000000','added','d68629550f048f62803313aaa2488d8f18f70a99483f64d9568bc330326947a3',19,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(20,'2026-11-19 06:00:00.000000','added','24f6adbf98d1a4ed16fbf79fd52b6b336af8abafeaa365d6455026f8129be576',20,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(21,'2026-11-19 06:00:00.000000','added','69b94b60b0f1c62b297492a4e5efb4f21b4060b82c4ecd781cf4484b96c5caa5',21,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(22,'2026-11-19 06:00:00.000000','added','2ca20c559ff071ab0e253023f0e2aea37e7cdc371b502505969aec523dab8782',22,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(23,'2026-11-19 06:00:00.000000','added','03410874cebb6f7c2cbe1e2c7a3049aba0c31054f27dd188f9d275ee384f4852',23,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(24,'2026-11-19 06:00:00.000000','added','0968ed20a4d59b30d3148404364a670cfea4bfd541b3a42a76746c02d27bec09',24,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(25,'2026-11-19 06:00:00.000000','added','8158a6bb109f27d40b851263f37892d774aa60dd9650a2241ef146880239db75',25,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(26,'2026-11-19 06:00:00.000000','added','9649e0760862b8b10ff57cb77e022a1553c6b5f535e0d256fc8bdce1816d67b1',26,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(27,'2026-11-19 06:00:00.000000','added','01efc17b5a36b9b5fe0c3b35a59be0ca97a30c8e04d2c4c382c2f9b22290295c',27,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(28,'2026-11-19 06:00:00.000000','added','ece86df53105901494987fc1c184b2b3431d118859966293ca69b99129126c44',28,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(29,'2026-11-19 06:00:00.000000','added','b689b5300f37a14c794fcca5f6e6fea9f3a5830ff6f666d9f069bf4e7b1eda3c',29,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(30,'2026-11-19 06:00:00.000000','added','4bf9b07c1e113494508cf449fe94c4c44aae365d48acdff221c7a6579a6f2f8e',30,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(31,'2026-11-19 06:00:00.000000','added','3d12c31c9bafa018287bc644efbbb7377d73e11bb6b745021f465ecd64435c78',31,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(32,'2026-11-19 06:00:00.000000','added','2c370ecd761ea6f0b4c5cf75ebb208e108da4384787a9ae08a680951b599f73c',32,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(33,'2026-11-19 06:00:00.000000','added','2c38ba9a4b8b2b27db68f9e1c2a6e497313a6c3ada77a913ba7c529136b830db',33,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(34,'2026-11-19 06:00:00.000000','added','53dbbfed080ec89ebe461858d6df7a01ada6ef07c7be48a85a10348886cb8c59',34,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(35,'2026-11-19 06:00:00.000000','added','f60af6065dcfaa3301b5e2773f4908fcb4ee8968178dd27d6d023d4eef8ec43c',35,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(36,'2026-11-19 06:00:00.000000','added','017fb95cd6bfbc144f410da500e07fde16878bd9cea2501196ff2bcdeeecd9cd',36,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(37,'2026-11-19 06:00:00.000000','added','821cbeebc15fc615e6c9e4f52e03fb0dbbc26080b45b66c07dc4964154e75b10',37,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(38,'2026-11-19 06:00:00.000000','added','b2b16b6ac4058d9096aec47b9b95d94371c3d167d4aeac8b5b92e9256f1a87b5',38,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(39,'2026-11-19 06:00:00.000000','added','88a65a330a7558fa3bcc84261d6363a349bfc5105fced96a02578e2aceda37ea',39,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(40,'2026-11-19 06:00:00.000000','added','81257835c1ec9ade72825bdf415de622bd877a67dc2de9edf02223ff8545b4c3',40,'operator','','','','','','operator holds their consent');
INSERT INTO "consents" VALUES(41,'2026-11-19 06:00:00.000000','unsubscribed','3d12c31c9bafa018287bc644efbbb7377d73e11bb6b745021f465ecd64435c78',31,'operator','','','','','','');
CREATE TABLE considered (
	issue_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	article_id INTEGER, 
	place INTEGER, 
	score FLOAT NOT NULL, 
	article TEXT NOT NULL, 
	CONSTRAINT pk_considered PRIMARY KEY (issue_id, number), 
	CONSTRAINT fk_considered_issue_id FOREIGN KEY(issue_id) REFERENCES issues (id)
);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	slot_key VARCHAR(20) NOT NULL, 
	act VARCHAR(20) NOT NULL, 
	article_id INTEGER, 
	other_id INTEGER, 
	undoes INTEGER, 
	"by" VARCHAR(120) DEFAULT '' NOT NULL, 
	origin VARCHAR(20) DEFAULT '' NOT NULL, 
	details TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_decisions PRIMARY KEY (id), 
	CONSTRAINT ck_decisions_act CHECK (act IN ('pin', 'move', 'swap', 'drop', 'hold', 'edit', 'intro', 'subject', 'insert', 'approve', 'pull_back', 'hold_issue', 'release', 'cancel', 'undo'))
);
CREATE TABLE "deliveries" (
	id INTEGER NOT NULL, 
	email VARCHAR(320) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(40) DEFAULT ('') NOT NULL, 
	worker_id INTEGER, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	next_try_at DATETIME NOT NULL, 
	doubt_at DATETIME, 
	code INTEGER, 
	text VARCHAR(500) DEFAULT ('') NOT NULL, 
	updated_at DATETIME NOT NULL, 
	issue_id INTEGER NOT NULL, 
	subscriber_id INTEGER NOT NULL, 
	public_id VARCHAR(40) NOT NULL, 
	name VARCHAR(200) DEFAULT ('') NOT NULL, 
	variant VARCHAR(40) DEFAULT ('') NOT NULL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT uq_deliveries_issue_id_subscriber_id UNIQUE (issue_id, subscriber_id), 
	CONSTRAINT fk_deliveries_issue_id FOREIGN KEY(issue_id) REFERENCES issues (id), 
	CONSTRAINT ck_deliveries_state CHECK (state IN ('waiting', 'claimed', 'handing over', 'accepted', 'refused', 'deferred', 'in doubt', 'skipped', 'expired', 'cancelled')), 
	CONSTRAINT ck_deliveries_held CHECK ((worker_id IS NOT NULL) = (state IN ('claimed', 'handing over')))
);
INSERT INTO "deliveries" VALUES(1,'reader0000@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,1,'b1611986b8eb506b439bd7e56796ca77','Reader 0000','');
INSERT INTO "deliveries" VALUES(2,'reader0001@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,2,'a3aed8bc75c9c45f0fdcfe4c70a345f8','Reader 0001','');
INSERT INTO "deliveries" VALUES(3,'reader0002@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,3,'2efacb1bdd38c590a3931c275927637b','Reader 0002','');
INSERT INTO "deliveries" VALUES(4,'reader0003@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,4,'e69df2d2aedf28903910927160abf265','Reader 0003','');
INSERT INTO "deliveries" VALUES(5,'reader0004@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,5,'fd79ce15be9591756c0535d5198ab1f0','Reader 0004','');
INSERT INTO "deliveries" VALUES(6,'reader0005@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,6,'c92181502dc7212dba6a7b1bdab36732','Reader 0005','');
INSERT INTO "deliveries" VALUES(7,'reader0006@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,7,'bf538b7df66c5fa2897324ba6f62fac4','Reader 0006','');
INSERT INTO "deliveries" VALUES(8,'reader0007@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,8,'3988fb6abbdaba84bbdb18943f76271f','Reader 0007','');
INSERT INTO "deliveries" VALUES(9,'reader0008@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,9,'c42736f3ae9386cac7ed46563f85caf2','Reader 0008','');
INSERT INTO "deliveries" VALUES(10,'reader0009@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,10,'e647093456b1b2b0280bd78f615ff76b','Reader 0009','');
INSERT INTO "deliveries" VALUES(11,'reader0010@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,11,'380e15f86ae7de33a7738d33574ef8cf','Reader 0010','');
INSERT INTO "deliveries" VALUES(12,'reader0011@example.net','accepted','',NULL,1,'2026-11-19 06:00:00.000000',NULL,250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,12,'32b40da2a28ca5850ee9d9261ce38fc3','Reader 0011','');
INSERT INTO "deliveries" VALUES(13,'reader0012@example.net','refused','',NULL,1,'2026-11-19 06:00:00.000000',NULL,550,'5.1.1 no such user','2026-11-19 06:00:00.000000',1,13,'2d0d4ae1a8c8d38a28fef8d167e6d1bb','Reader 0012','');
INSERT INTO "deliveries" VALUES(14,'reader0013@example.net','deferred','',NULL,1,'2026-11-19 06:05:00.000000',NULL,451,'4.7.1 greylisted','2026-11-19 06:00:00.000000',1,14,'eb04033251e3edb8b727bc2debfb7a90','Reader 0013','');
INSERT INTO "deliveries" VALUES(15,'reader0014@example.net','accepted','',NULL,2,'2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',250,'2.0.0 Ok: queued','2026-11-19 06:00:00.000000',1,15,'b3c6adad78f9dbcde80ab8227490f27d','Reader 0014','');
INSERT INTO "deliveries" VALUES(16,'reader0015@example.net','handing over','',1,1,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,16,'df11a84134f391302fb7507432030621','Reader 0015','');
INSERT INTO "deliveries" VALUES(17,'reader0016@example.net','handing over','',1,1,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,17,'5db337a78097902e9baa7fca8518696b','Reader 0016','');
INSERT INTO "deliveries" VALUES(18,'reader0017@example.net','handing over','',1,1,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,18,'d9d5fa15ccd5c3549a414d05c60d5d54','Reader 0017','');
INSERT INTO "deliveries" VALUES(19,'reader0018@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,19,'af1cf44cc26dab93691e35d188c73a7a','Reader 0018','');
INSERT INTO "deliveries" VALUES(20,'reader0019@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,20,'3c17e11865a005d041c52330a362fb0d','Reader 0019','');
INSERT INTO "deliveries" VALUES(21,'reader0020@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,21,'8b95a3ff3226fc681da929c620a454e9','Reader 0020','');
INSERT INTO "deliveries" VALUES(22,'reader0021@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,22,'8633019aac52f53e51931a21c32e3b9d','Reader 0021','');
INSERT INTO "deliveries" VALUES(23,'reader0022@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,23,'b91e8567d6b92e4f08b600053f94321c','Reader 0022','');
INSERT INTO "deliveries" VALUES(24,'reader0023@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,24,'8ad91e0d3d429401f6c4454fffa58bd4','Reader 0023','');
INSERT INTO "deliveries" VALUES(25,'reader0024@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,25,'3a176f0a597c212f962e47b8b676190c','Reader 0024','');
INSERT INTO "deliveries" VALUES(26,'reader0025@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,26,'d1ad0935c47a522b53211d55df978208','Reader 0025','');
INSERT INTO "deliveries" VALUES(27,'reader0026@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,27,'af49a15bf3eee89456f9c60b09a06452','Reader 0026','');
INSERT INTO "deliveries" VALUES(28,'reader0027@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,28,'61ae12e69f3dcd8820dc85c433d462b1','Reader 0027','');
INSERT INTO "deliveries" VALUES(29,'reader0028@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,29,'298e071b079186fa9d35ade828b0a27d','Reader 0028','');
INSERT INTO "deliveries" VALUES(30,'reader0029@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,30,'508506eac755cbc29af2714c57e576b1','Reader 0029','');
INSERT INTO "deliveries" VALUES(31,'reader0030@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,31,'7498f3d9e43b310dd6bbcfbfc8ae6188','Reader 0030','');
INSERT INTO "deliveries" VALUES(32,'reader0031@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,32,'2c3624f038c1fb9f3a6031278d6480e5','Reader 0031','');
INSERT INTO "deliveries" VALUES(33,'reader0032@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,33,'a8778bb4fa8f4d3f8a248a3f97d2833b','Reader 0032','');
INSERT INTO "deliveries" VALUES(34,'reader0033@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,34,'7937a1d100cbd3b0fa1c944af3a541d4','Reader 0033','');
INSERT INTO "deliveries" VALUES(35,'reader0034@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,35,'e6bb92df025b8c929a7e6c0a1dd73b69','Reader 0034','');
INSERT INTO "deliveries" VALUES(36,'reader0035@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,36,'3a6d167fd376171e19241e3dbbe409a0','Reader 0035','');
INSERT INTO "deliveries" VALUES(37,'reader0036@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,37,'ad950455dbc1fc9b55eec739cb4b38b1','Reader 0036','');
INSERT INTO "deliveries" VALUES(38,'reader0037@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,38,'905b88237a59cc31d8647410b7f79bec','Reader 0037','');
INSERT INTO "deliveries" VALUES(39,'reader0038@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,39,'dcd1ab3f34df8fb990a1f7495187928a','Reader 0038','');
INSERT INTO "deliveries" VALUES(40,'reader0039@example.net','claimed','',1,0,'2026-11-19 06:00:00.000000',NULL,NULL,'','2026-11-19 06:00:00.000000',1,40,'87e7559add41365be6800702d9fe9385','Reader 0039','');
CREATE TABLE facts (name VARCHAR(40) NOT NULL CONSTRAINT pk_facts PRIMARY KEY, at DATETIME NOT NULL);
INSERT INTO "facts" VALUES('began','2026-11-19 06:00:00.000000');
CREATE TABLE guard_passes (
    id INTEGER NOT NULL CONSTRAINT pk_guard_passes PRIMARY KEY,
    at DATETIME NOT NULL, network VARCHAR(64) NOT NULL, domain VARCHAR(254) NOT NULL, nonce VARCHAR(64),
    CONSTRAINT uq_guard_passes_nonce UNIQUE (nonce)
);
CREATE TABLE guard_trips (
    hour DATETIME NOT NULL, reason VARCHAR(40) NOT NULL, count INTEGER NOT NULL, last_network VARCHAR(64) NOT NULL,
    CONSTRAINT pk_guard_trips PRIMARY KEY (hour, reason)
);
CREATE TABLE images (
    name VARCHAR(40) NOT NULL CONSTRAINT pk_images PRIMARY KEY, media_type VARCHAR(40) NOT NULL, data BLOB NOT NULL
);
CREATE TABLE "issues" (
	id INTEGER NOT NULL, 
	slot_key VARCHAR(20) NOT NULL, 
	slot_at DATETIME NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason TEXT DEFAULT ('') NOT NULL, 
	opened_at DATETIME NOT NULL, 
	frozen_at DATETIME, 
	closed_at DATETIME, 
	expires_at DATETIME, 
	frozen INTEGER DEFAULT '0' NOT NULL, 
	digest VARCHAR(64) DEFAULT ('') NOT NULL, 
	subject TEXT DEFAULT ('') NOT NULL, 
	list_id VARCHAR(255) DEFAULT ('') NOT NULL, 
	on_doubt VARCHAR(10) DEFAULT 'resend' NOT NULL, attended_at DATETIME, proofed_at DATETIME, goes_at DATETIME, 
	CONSTRAINT pk_issues PRIMARY KEY (id), 
	CONSTRAINT uq_issues_slot_key UNIQUE (slot_key), 
	CONSTRAINT ck_issues_state CHECK (state IN ('draft', 'review', 'approved', 'held', 'sending', 'closed', 'skipped', 'missed', 'cancelled')), 
	CONSTRAINT ck_issues_on_doubt CHECK (on_doubt IN ('resend', 'hold'))
);
INSERT INTO "issues" VALUES(1,'2026-W47','2026-11-19 06:00:00.000000','sending','','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL,'2036-11-16 06:00:00.000000',40,'','This week','weekly.example.org','resend',NULL,NULL,NULL);
CREATE TABLE learned (
	id INTEGER NOT NULL, 
	date VARCHAR(10) NOT NULL, 
	url TEXT NOT NULL, 
	article TEXT NOT NULL, 
	CONSTRAINT pk_learned PRIMARY KEY (id)
);
CREATE TABLE letters (
    issue_id INTEGER NOT NULL, variant VARCHAR(40) NOT NULL, format INTEGER NOT NULL, digest VARCHAR(64) NOT NULL,
    data BLOB NOT NULL,
    CONSTRAINT pk_letters PRIMARY KEY (issue_id, variant),
    CONSTRAINT fk_letters_issue_id FOREIGN KEY (issue_id) REFERENCES issues (id)
);
INSERT INTO "letters" VALUES(1,'',1,'ecacbb203e218d36068b4e56aa6889df65d693a7880b65ee10461f824a193a05',X'7B22666F726D6174223A312C227375626A656374223A2254686973207765656B222C2273656E646572223A226E657773406578616D706C652E6F7267222C226C69746572616C73223A5B2246726F6D3A205765656B6C79203C6E657773406578616D706C652E6F72673E5C725C6E546F3A20222C225C725C6E5375626A6563743A2054686973207765656B5C725C6E446174653A20222C225C725C6E4D6573736167652D49443A203C222C223E5C725C6E4C6973742D49643A205765656B6C79203C7765656B6C792E6578616D706C652E6F72673E5C725C6E4C6973742D556E7375627363726962653A203C68747470733A2F2F6E6577732E6578616D706C652E6F72672F756E7375627363726962652F222C223E5C725C6E4C6973742D556E7375627363726962652D506F73743A204C6973742D556E7375627363726962653D4F6E652D436C69636B5C725C6E466565646261636B2D49443A20323032362D5734373A6E6577736C65747465723A7765656B6C793A6578616D706C656F72675C725C6E507265636564656E63653A2062756C6B5C725C6E4175746F2D5375626D69747465643A206175746F2D67656E6572617465645C725C6E582D4175746F2D526573706F6E73652D53757070726573733A204F4F462C204175746F5265706C795C725C6E4D494D452D56657273696F6E3A20312E305C725C6E436F6E74656E742D547970653A206D756C7469706172742F616C7465726E61746976653B20626F756E646172793D5C223D5F3932373738373563323134386463633533393336613464335C225C725C6E5C725C6E2D2D3D5F3932373738373563323134386463633533393336613464335C725C6E436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D385C725C6E436F6E74656E742D5472616E736665722D456E636F64696E673A2071756F7465642D7072696E7461626C655C725C6E5C725C6E222C22556E7375627363726962653A2068747470733A2F2F6E6577732E6578616D706C652E6F72672F756E7375627363726962652F3D5C725C6E222C225C725C6E222C225C725C6E2D2D3D5F3932373738373563323134386463633533393336613464335C725C6E436F6E74656E742D547970653A20746578742F68746D6C3B20636861727365743D7574662D385C725C6E436F6E74656E742D5472616E736665722D456E636F64696E673A2071756F7465642D7072696E7461626C655C725C6E5C725C6E222C223C703E3C6120687265663D33442768747470733A2F2F6E6577732E6578616D706C652E6F72672F756E7375627363726962652F3D5C725C6E222C22273E556E7375627363726962653C2F613E3C2F703E5C725C6E222C225C725C6E2D2D3D5F3932373738373563323134386463633533393336613464332D2D5C725C6E225D2C22686F6C6573223A5B22686561643A746F222C22686561643A64617465222C22686561643A6964222C22686561643A756E7375627363726962655F746F6B656E222C227365616D3A222C22746578743A756E7375627363726962655F746F6B656E222C227365616D3A222C227365616D3A222C2268746D6C3A756E7375627363726962655F746F6B656E222C227365616D3A225D2C22746578745F6174223A5B352C375D2C2268746D6C5F6174223A5B382C31305D2C2264656661756C7473223A7B7D7D');
CREATE TABLE "outbox" (
	id INTEGER NOT NULL, 
	email VARCHAR(320) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(40) DEFAULT ('') NOT NULL, 
	worker_id INTEGER, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	next_try_at DATETIME NOT NULL, 
	doubt_at DATETIME, 
	code INTEGER, 
	text VARCHAR(500) DEFAULT ('') NOT NULL, 
	updated_at DATETIME NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	sender VARCHAR(320) NOT NULL, 
	data BLOB, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT ck_outbox_state CHECK (state IN ('waiting', 'claimed', 'handing over', 'accepted', 'refused', 'deferred', 'in doubt', 'skipped', 'expired', 'cancelled')), 
	CONSTRAINT ck_outbox_held CHECK ((worker_id IS NOT NULL) = (state IN ('claimed', 'handing over')))
);
CREATE TABLE pace (name VARCHAR(60) NOT NULL CONSTRAINT pk_pace PRIMARY KEY, free_at DATETIME NOT NULL);
CREATE TABLE picks (
    issue_id INTEGER NOT NULL, place INTEGER NOT NULL, section VARCHAR(60) NOT NULL, position INTEGER NOT NULL,
    article_id INTEGER, score FLOAT NOT NULL, reason TEXT NOT NULL, article TEXT NOT NULL,
    CONSTRAINT pk_picks PRIMARY KEY (issue_id, place),
    CONSTRAINT fk_picks_issue_id FOREIGN KEY (issue_id) REFERENCES issues (id)
);
CREATE TABLE pulls (
    source VARCHAR(60) NOT NULL CONSTRAINT pk_pulls PRIMARY KEY, state TEXT DEFAULT '{}' NOT NULL,
    pulled_at DATETIME, good_at DATETIME, problem TEXT DEFAULT '' NOT NULL
);
CREATE TABLE review_links (
	nonce VARCHAR(32) NOT NULL, 
	slot_key VARCHAR(20) NOT NULL, 
	editor VARCHAR(254) NOT NULL, 
	made_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	PRIMARY KEY (nonce)
);
CREATE TABLE sign_up_mails (
    id INTEGER NOT NULL CONSTRAINT pk_sign_up_mails PRIMARY KEY,
    kind VARCHAR(12) NOT NULL, subscriber_id BIGINT NOT NULL, mailbox_hash VARCHAR(64) NOT NULL,
    token_hash VARCHAR(64), name TEXT DEFAULT '' NOT NULL, language TEXT DEFAULT '' NOT NULL,
    at DATETIME NOT NULL, expires_at DATETIME NOT NULL, used_at DATETIME,
    CONSTRAINT uq_sign_up_mails_token_hash UNIQUE (token_hash)
);
CREATE TABLE signals (
    article_id INTEGER NOT NULL, kind VARCHAR(20) NOT NULL, at DATETIME NOT NULL, value FLOAT NOT NULL,
    CONSTRAINT pk_signals PRIMARY KEY (article_id, kind, at),
    CONSTRAINT fk_signals_article_id FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE TABLE subscribers (
    id INTEGER NOT NULL CONSTRAINT pk_subscribers PRIMARY KEY AUTOINCREMENT,
    public_id VARCHAR(32) NOT NULL, email VARCHAR(254) NOT NULL, email_key VARCHAR(254) NOT NULL,
    address_hash VARCHAR(64) NOT NULL, name TEXT DEFAULT '' NOT NULL, language TEXT DEFAULT '' NOT NULL,
    status VARCHAR(12) NOT NULL, variant TEXT DEFAULT '' NOT NULL, sections TEXT DEFAULT '' NOT NULL,
    origin TEXT DEFAULT '' NOT NULL, created_at DATETIME NOT NULL, confirmed_at DATETIME, unsubscribed_at DATETIME,
    CONSTRAINT ck_subscribers_active_is_confirmed CHECK (status <> 'active' OR confirmed_at IS NOT NULL),
    CONSTRAINT ck_subscribers_status CHECK (status IN ('pending', 'active', 'unsubscribed')),
    CONSTRAINT uq_subscribers_email_key UNIQUE (email_key),
    CONSTRAINT uq_subscribers_public_id UNIQUE (public_id)
);
INSERT INTO "subscribers" VALUES(1,'b1611986b8eb506b439bd7e56796ca77','reader0000@example.net','reader0000@example.net','8b7d7c5cb0734506f01a3d23973b30f01ce2b145d4b78c05bfdb7d4c3e639225','Reader 0000','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(2,'a3aed8bc75c9c45f0fdcfe4c70a345f8','reader0001@example.net','reader0001@example.net','2c679d5bae75f3aceec36f409d8255af8f4a27ce78ba6d92cbb98401e8b1ae73','Reader 0001','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(3,'2efacb1bdd38c590a3931c275927637b','reader0002@example.net','reader0002@example.net','3a65bed8d361323758d771e0b70d827e9055c4ba5328e68007ac9d7dd93d13ab','Reader 0002','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(4,'e69df2d2aedf28903910927160abf265','reader0003@example.net','reader0003@example.net','a61a5106d821b3e6e879699eb42bf62a801e46fe9822ea72cfb81436f0aaf31d','Reader 0003','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(5,'fd79ce15be9591756c0535d5198ab1f0','reader0004@example.net','reader0004@example.net','3b3c2ebaf0ab03b84cc9480b5e9af56ce3a2803a64fbfeced0f0e70f917a2cd1','Reader 0004','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(6,'c92181502dc7212dba6a7b1bdab36732','reader0005@example.net','reader0005@example.net','e5770449aa948ef5753af41b04e4f651b610737854d2898dc2626e8f963f4a51','Reader 0005','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(7,'bf538b7df66c5fa2897324ba6f62fac4','reader0006@example.net','reader0006@example.net','b296b731cb0428116fe874a2a1ba191eedf3d0de38a60b35d1b04f401a4ee0a9','Reader 0006','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(8,'3988fb6abbdaba84bbdb18943f76271f','reader0007@example.net','reader0007@example.net','de2de380f8da52e5b709984dd8e141ea0da7f36a1b4b9131264e07deebbce810','Reader 0007','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(9,'c42736f3ae9386cac7ed46563f85caf2','reader0008@example.net','reader0008@example.net','ee43906a382175e5469d64e758f90b421f7de1b39e224ceea4fa0d132a31419a','Reader 0008','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(10,'e647093456b1b2b0280bd78f615ff76b','reader0009@example.net','reader0009@example.net','94118490af9afc09b01117d3cfb0e1f21f95c4b58617ed0690e33f93e9a6fc0a','Reader 0009','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(11,'380e15f86ae7de33a7738d33574ef8cf','reader0010@example.net','reader0010@example.net','bdcaf9aff1ff590e3dcbee9cdb3942a2485ddd5dd4a7ef300ecbacd00f820d9d','Reader 0010','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(12,'32b40da2a28ca5850ee9d9261ce38fc3','reader0011@example.net','reader0011@example.net','2413b1a71ceb53ede7c76f764c7fdc43764cc714b2edf85ff36f4fdff3ca9fd8','Reader 0011','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(13,'2d0d4ae1a8c8d38a28fef8d167e6d1bb','reader0012@example.net','reader0012@example.net','6cba3d37a76b14a090adba85350bd5702445489ac1e17c225fb959254cbbd630','Reader 0012','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(14,'eb04033251e3edb8b727bc2debfb7a90','reader0013@example.net','reader0013@example.net','b0e8765abcc2f25eca61bfc4271afe2c47eaea88b7eed82631b2350af133f0ca','Reader 0013','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(15,'b3c6adad78f9dbcde80ab8227490f27d','reader0014@example.net','reader0014@example.net','c63ca73586878467cafa64f425b74b0a420443c3225ffb812dc4e3fb8291da3c','Reader 0014','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(16,'df11a84134f391302fb7507432030621','reader0015@example.net','reader0015@example.net','861fec9078555c9de00149ca2a05bfca8ecb1360f1f897e494c3a107b9d4c6da','Reader 0015','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(17,'5db337a78097902e9baa7fca8518696b','reader0016@example.net','reader0016@example.net','70bc8a14c9be96c9962a12f913e25871d6f1c8c9d339dd7f4e1b4a51ae51c2f2','Reader 0016','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(18,'d9d5fa15ccd5c3549a414d05c60d5d54','reader0017@example.net','reader0017@example.net','cd8d8d18e5d5cae102e892c82bcac55e96baaee5711d2bfb4f8ccd570d2cf734','Reader 0017','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(19,'af1cf44cc26dab93691e35d188c73a7a','reader0018@example.net','reader0018@example.net','d68629550f048f62803313aaa2488d8f18f70a99483f64d9568bc330326947a3','Reader 0018','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(20,'3c17e11865a005d041c52330a362fb0d','reader0019@example.net','reader0019@example.net','24f6adbf98d1a4ed16fbf79fd52b6b336af8abafeaa365d6455026f8129be576','Reader 0019','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(21,'8b95a3ff3226fc681da929c620a454e9','reader0020@example.net','reader0020@example.net','69b94b60b0f1c62b297492a4e5efb4f21b4060b82c4ecd781cf4484b96c5caa5','Reader 0020','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(22,'8633019aac52f53e51931a21c32e3b9d','reader0021@example.net','reader0021@example.net','2ca20c559ff071ab0e253023f0e2aea37e7cdc371b502505969aec523dab8782','Reader 0021','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(23,'b91e8567d6b92e4f08b600053f94321c','reader0022@example.net','reader0022@example.net','03410874cebb6f7c2cbe1e2c7a3049aba0c31054f27dd188f9d275ee384f4852','Reader 0022','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(24,'8ad91e0d3d429401f6c4454fffa58bd4','reader0023@example.net','reader0023@example.net','0968ed20a4d59b30d3148404364a670cfea4bfd541b3a42a76746c02d27bec09','Reader 0023','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(25,'3a176f0a597c212f962e47b8b676190c','reader0024@example.net','reader0024@example.net','8158a6bb109f27d40b851263f37892d774aa60dd9650a2241ef146880239db75','Reader 0024','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(26,'d1ad0935c47a522b53211d55df978208','reader0025@example.net','reader0025@example.net','9649e0760862b8b10ff57cb77e022a1553c6b5f535e0d256fc8bdce1816d67b1','Reader 0025','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(27,'af49a15bf3eee89456f9c60b09a06452','reader0026@example.net','reader0026@example.net','01efc17b5a36b9b5fe0c3b35a59be0ca97a30c8e04d2c4c382c2f9b22290295c','Reader 0026','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(28,'61ae12e69f3dcd8820dc85c433d462b1','reader0027@example.net','reader0027@example.net','ece86df53105901494987fc1c184b2b3431d118859966293ca69b99129126c44','Reader 0027','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(29,'298e071b079186fa9d35ade828b0a27d','reader0028@example.net','reader0028@example.net','b689b5300f37a14c794fcca5f6e6fea9f3a5830ff6f666d9f069bf4e7b1eda3c','Reader 0028','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(30,'508506eac755cbc29af2714c57e576b1','reader0029@example.net','reader0029@example.net','4bf9b07c1e113494508cf449fe94c4c44aae365d48acdff221c7a6579a6f2f8e','Reader 0029','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(31,'7498f3d9e43b310dd6bbcfbfc8ae6188','reader0030@example.net','reader0030@example.net','3d12c31c9bafa018287bc644efbbb7377d73e11bb6b745021f465ecd64435c78','Reader 0030','','unsubscribed','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000');
INSERT INTO "subscribers" VALUES(32,'2c3624f038c1fb9f3a6031278d6480e5','reader0031@example.net','reader0031@example.net','2c370ecd761ea6f0b4c5cf75ebb208e108da4384787a9ae08a680951b599f73c','Reader 0031','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(33,'a8778bb4fa8f4d3f8a248a3f97d2833b','reader0032@example.net','reader0032@example.net','2c38ba9a4b8b2b27db68f9e1c2a6e497313a6c3ada77a913ba7c529136b830db','Reader 0032','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(34,'7937a1d100cbd3b0fa1c944af3a541d4','reader0033@example.net','reader0033@example.net','53dbbfed080ec89ebe461858d6df7a01ada6ef07c7be48a85a10348886cb8c59','Reader 0033','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(35,'e6bb92df025b8c929a7e6c0a1dd73b69','reader0034@example.net','reader0034@example.net','f60af6065dcfaa3301b5e2773f4908fcb4ee8968178dd27d6d023d4eef8ec43c','Reader 0034','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(36,'3a6d167fd376171e19241e3dbbe409a0','reader0035@example.net','reader0035@example.net','017fb95cd6bfbc144f410da500e07fde16878bd9cea2501196ff2bcdeeecd9cd','Reader 0035','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(37,'ad950455dbc1fc9b55eec739cb4b38b1','reader0036@example.net','reader0036@example.net','821cbeebc15fc615e6c9e4f52e03fb0dbbc26080b45b66c07dc4964154e75b10','Reader 0036','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(38,'905b88237a59cc31d8647410b7f79bec','reader0037@example.net','reader0037@example.net','b2b16b6ac4058d9096aec47b9b95d94371c3d167d4aeac8b5b92e9256f1a87b5','Reader 0037','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(39,'dcd1ab3f34df8fb990a1f7495187928a','reader0038@example.net','reader0038@example.net','88a65a330a7558fa3bcc84261d6363a349bfc5105fced96a02578e2aceda37ea','Reader 0038','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
INSERT INTO "subscribers" VALUES(40,'87e7559add41365be6800702d9fe9385','reader0039@example.net','reader0039@example.net','81257835c1ec9ade72825bdf415de622bd877a67dc2de9edf02223ff8545b4c3','Reader 0039','','active','','','operator','2026-11-19 06:00:00.000000','2026-11-19 06:00:00.000000',NULL);
CREATE TABLE suppressions (
    address_hash VARCHAR(64) NOT NULL CONSTRAINT pk_suppressions PRIMARY KEY,
    reason TEXT NOT NULL, since DATETIME NOT NULL
);
CREATE TABLE workers (
    id INTEGER NOT NULL CONSTRAINT pk_workers PRIMARY KEY,
    token VARCHAR(32) NOT NULL, host VARCHAR(100) NOT NULL, pid INTEGER NOT NULL,
    started_at DATETIME NOT NULL, ended_at DATETIME,
    CONSTRAINT uq_workers_token UNIQUE (token)
);
INSERT INTO "workers" VALUES(1,'5aab9e73ab1aae152d9d4a5c1c4a279f','vm',7335,'2026-11-19 06:00:00.000000',NULL);
CREATE INDEX ix_articles_published ON articles (published);
CREATE INDEX ix_articles_source_title_key ON articles (source, title_key);
CREATE INDEX ix_article_names_article_id ON article_names (article_id);
CREATE INDEX ix_workers_ended_at ON workers (ended_at);
CREATE INDEX ix_subscribers_address_hash ON subscribers (address_hash);
CREATE INDEX ix_subscribers_status_id ON subscribers (status, id);
CREATE INDEX ix_consents_address_hash_id ON consents (address_hash, id);
CREATE INDEX ix_sign_up_mails_at ON sign_up_mails (at);
CREATE INDEX ix_sign_up_mails_mailbox_hash_at ON sign_up_mails (mailbox_hash, at);
CREATE INDEX ix_sign_up_mails_subscriber_id ON sign_up_mails (subscriber_id);
CREATE INDEX ix_guard_passes_at ON guard_passes (at);
CREATE INDEX ix_guard_passes_domain_at ON guard_passes (domain, at);
CREATE INDEX ix_guard_passes_network_at ON guard_passes (network, at);
CREATE INDEX ix_attempts_row ON attempts (ledger, row_id);
CREATE INDEX ix_attempts_outcome ON attempts (outcome, ledger);
CREATE INDEX ix_deliveries_worker ON deliveries (worker_id, state) WHERE worker_id IS NOT NULL;
CREATE INDEX ix_deliveries_due ON deliveries (issue_id, state, next_try_at, id);
CREATE INDEX ix_issues_state ON issues (state);
CREATE INDEX ix_outbox_worker ON outbox (worker_id, state) WHERE worker_id IS NOT NULL;
CREATE INDEX ix_outbox_due ON outbox (state, next_try_at, id);
CREATE INDEX ix_alerts_about ON alerts (about);
CREATE INDEX ix_learned_date ON learned (date);
CREATE INDEX ix_decisions_slot_key ON decisions (slot_key);
CREATE INDEX ix_decisions_article_id ON decisions (article_id);
CREATE INDEX ix_review_links_slot_key ON review_links (slot_key);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('subscribers',40);
INSERT INTO "sqlite_sequence" VALUES('consents',41);
COMMIT;
