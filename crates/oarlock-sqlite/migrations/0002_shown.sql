-- What each agent has been shown, message by message: pages show them out of order, and a mark of the last one would count those
-- before it. An urgent message ends a claim that waits for messages too.

ALTER TABLE messages ADD COLUMN outside INTEGER NOT NULL DEFAULT 0; -- sent without an agent's session
ALTER TABLE deliveries ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;

UPDATE messages SET outside = 1 WHERE EXISTS (SELECT 1 FROM events e WHERE e.seq = messages.seq AND e.session IS NULL);
UPDATE deliveries SET
  shown = message <= coalesce((SELECT read_mark FROM agents WHERE name = agent), 0),
  urgent = EXISTS (SELECT 1 FROM messages m WHERE m.seq = message AND (m.ack_required OR m.outside));

CREATE INDEX deliveries_unread ON deliveries (agent, urgent, message) WHERE acked = 0 AND shown = 0;
ALTER TABLE agents DROP COLUMN read_mark;
