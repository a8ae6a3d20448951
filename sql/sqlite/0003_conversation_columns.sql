-- Our own columns.
ALTER TABLE `{{table}}` ADD COLUMN `event_no` INT NULL;
ALTER TABLE `{{table}}` ADD COLUMN `event_id` VARCHAR(64) NULL;
ALTER TABLE `{{table}}` ADD COLUMN `heard_ms` INT NULL;
ALTER TABLE `{{table}}` ADD COLUMN `heard_text` TEXT NULL;
-- A row sent again is not inserted again.
CREATE UNIQUE INDEX IF NOT EXISTS `{{table}}_event_id` ON `{{table}}` (`event_id`);
-- One call in order; a day's calls; calls with a label of interest.
CREATE INDEX IF NOT EXISTS `{{table}}_callid` ON `{{table}}` (`callid`, `event_no`);
CREATE INDEX IF NOT EXISTS `{{table}}_createtime` ON `{{table}}` (`createtime`);
CREATE INDEX IF NOT EXISTS `{{table}}_potential` ON `{{table}}` (`potential`);
