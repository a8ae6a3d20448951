-- What a call took and used, where its audio came to us: times of its turns, services.
ALTER TABLE `{{table}}` ADD COLUMN `ledger` TEXT NULL;
