-- As published: names, types and order are given.
CREATE TABLE IF NOT EXISTS `{{table}}` (
  `callid`                 VARCHAR(50) NOT NULL,
  `talk_time`              INT         NULL,
  `respond_count`          INT         NULL,
  `positive_respond_count` INT         NULL,
  `passive_respond_count`  INT         NULL,
  `intentional_count`      INT         NULL,
  `unintentional_count`    INT         NULL,
  `trigger_kb`             INT         NULL,
  `trigger_global_flow`    INT         NULL,
  `proactively_hangup`     INT         NULL,
  `label_result`           VARCHAR(50) NULL,
  `label_hit_id`           VARCHAR(50) NULL,
  `label_hit_type`         INT         NULL,
  PRIMARY KEY (`callid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
