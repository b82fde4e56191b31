-- Reservations are found by the leading components that their patterns name without wildcards (rules/near.rs). Those that are there
-- already are filed as if they began with a wildcard, which every search reads: they end soon.
ALTER TABLE reservations ADD COLUMN near TEXT NOT NULL DEFAULT '';
CREATE INDEX reservations_near ON reservations (near);
-- No reservation that is tied to no task ends before this store time; 0: not known.
ALTER TABLE meta ADD COLUMN next_end INTEGER NOT NULL DEFAULT 0;
-- A store remembers a bounded number of claims in vain from now on. Whoever still waits is noted again with its next try.
DELETE FROM starved;
