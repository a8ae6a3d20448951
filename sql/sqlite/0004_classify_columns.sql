ALTER TABLE `{{table}}` ADD COLUMN `comment` VARCHAR(1024) NULL;
CREATE INDEX IF NOT EXISTS `{{table}}_label` ON `{{table}}` (`label_result`);
