ALTER TABLE `{{table}}` CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
ALTER TABLE `{{table}}` ADD COLUMN `comment` VARCHAR(1024) NULL;
ALTER TABLE `{{table}}` ADD PRIMARY KEY (`callid`);
ALTER TABLE `{{table}}` ADD INDEX `telephonist_label` (`label_result`);
