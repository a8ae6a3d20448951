-- Our own columns come last, so that readers who count columns are not disturbed.
-- A table of the original is utf8mb3, which has no emoji.
ALTER TABLE `{{table}}` CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
ALTER TABLE `{{table}}` ADD COLUMN `event_no` INT UNSIGNED NULL;
-- The call id and event_no: at most 50 + 1 + 10 characters, compared byte by byte.
ALTER TABLE `{{table}}` ADD COLUMN `event_id` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
ALTER TABLE `{{table}}` ADD COLUMN `heard_ms` INT NULL;
-- TEXT, as one more wide VARCHAR would pass MySQL's 65,535 bytes a row.
ALTER TABLE `{{table}}` ADD COLUMN `heard_text` TEXT NULL;
ALTER TABLE `{{table}}` ADD COLUMN `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY;
-- A row sent again is not inserted again.
ALTER TABLE `{{table}}` ADD UNIQUE INDEX `telephonist_event_id` (`event_id`);
-- One call in order; a day's calls; calls with a label of interest.
ALTER TABLE `{{table}}` ADD INDEX `telephonist_callid` (`callid`, `event_no`);
ALTER TABLE `{{table}}` ADD INDEX `telephonist_createtime` (`createtime`);
ALTER TABLE `{{table}}` ADD INDEX `telephonist_potential` (`potential`);
