-- Whether the last grant is only intended: files beside the store do not show it yet, and its session has not been told.
ALTER TABLE tasks ADD COLUMN grant_intended INTEGER NOT NULL DEFAULT 0;
