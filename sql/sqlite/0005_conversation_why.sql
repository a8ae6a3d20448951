-- What was tried before each answer, if `robot.record.explain` is on.
ALTER TABLE `{{table}}` ADD COLUMN `why` TEXT NULL;
