-- Whether the write set was reserved with the last grant. Logs of before do not say so: no.
ALTER TABLE tasks ADD COLUMN grant_reserve INTEGER NOT NULL DEFAULT 0;
